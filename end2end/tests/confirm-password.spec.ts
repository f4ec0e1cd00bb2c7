import type { Locator, Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER, PASSWORD } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad, HeldRequests } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

// The server asks for the password before every creation and activation.
test.use({ serverOptions: { args: ['--confirm-password-after', '0'] } });

test.beforeEach(({ pageErrors }) => pageErrors.allow(failedToLoad(403), failedToLoad(429)));

function passwordIn(dialog: Locator): Locator {
  return dialog.getByLabel('Password', { exact: true });
}

async function open(page: Page): Promise<DeveloperZonePage> {
  const zone = new DeveloperZonePage(page);
  await zone.open();
  return zone;
}

test('creating asks for the password in the dialog at once, refuses a wrong one, and goes on with the right one', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const zone = await open(page);
  const { dialog, create, cancel } = zone.createDialog;
  const password = passwordIn(dialog);
  await zone.createToken.click();
  await expect(password).toBeVisible();
  await expect(zone.createDialog.name).toBeFocused();
  await expectAccessible(page);
  await create.click();
  await expect(password, 'nothing is sent without a password').toBeFocused();
  await password.fill(PASSWORD);
  await cancel.click();

  await zone.createToken.click();
  await expect(password, 'closing the dialog forgets the password').toHaveValue('');
  await password.fill('not the password');
  await create.click();
  await expect(dialog.getByRole('alert')).toHaveText(/Incorrect password/);
  await expect(password).toBeFocused();
  await expect(password).toHaveAccessibleDescription(/Incorrect password/);
  expect(await listTokens(server)).toHaveLength(0);
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(zone.newToken.field).toHaveValue(/^[0-9A-Za-z]{46}$/);
  await zone.newToken.putAway();
  expect(await listTokens(server)).toHaveLength(1);
});

test('after too many wrong passwords, the dialog says how long to wait', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const zone = await open(page);
  const { dialog, create } = zone.createDialog;
  await zone.createToken.click();
  const responded = () => page.waitForResponse('**/api/dashboard/create-token*');
  const wait = dialog.getByRole('alert').filter({ hasText: /Wait \d+ seconds?, then try again/ });
  // On a busy machine a wait may be over before the next try. The waits double, so one of them is long enough.
  for (let tries = 0; tries < 12 && !(await wait.isVisible()); tries += 1) {
    // The page may not show the last response yet.
    await expect(create).toHaveText('Create Token');
    await passwordIn(dialog).fill('not the password');
    await Promise.all([responded(), create.click()]);
  }
  await expect(wait).toBeVisible();
  await expectAccessible(page);
});

test('activating asks for the password in a dialog, refuses a wrong one, and deactivating and deleting ask nothing', async ({
  page,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const preview = previewOf(token);
  await signIn(MEMBER);
  const zone = await open(page);
  const row = zone.row(preview);
  const { dialog, password, activate, cancel } = zone.activateDialog;
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');

  await row.switch.click();
  await expect(dialog).toHaveAccessibleDescription(new RegExp(preview.replaceAll('*', '\\*')));
  await expect(password).toBeFocused();
  await expectAccessible(page);
  await cancel.click();
  await expect(dialog).toBeHidden();
  await expect(row.switch).toBeFocused();
  await expect(row.status).toHaveText('Inactive');

  await page.keyboard.press('Space');
  await expect(password).toBeFocused();
  await expect(password, 'closing the dialog forgets the password').toHaveValue('');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toHaveText(/Incorrect password/);
  await expect(password).toBeFocused();
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });
  const held = await HeldRequests.of(page, 'activate-token');
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await held.untilOneArrived();
  await expect(activate).toHaveAttribute('aria-busy', 'true');
  await expect(row.status).toHaveText('Activating…');
  await page.keyboard.press('Escape');
  await expect(dialog, 'until the response').toBeVisible();
  await held.release();
  await expect(dialog).toBeHidden();
  await expect(row.status).toHaveText('Active');
  await expect(row.switch).toBeFocused();
  expect(await ping(server, token)).toEqual(PONG);

  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.empty).toBeVisible();
  expect(await listTokens(server)).toHaveLength(0);
});
