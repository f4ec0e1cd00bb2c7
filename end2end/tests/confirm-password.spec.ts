import type { Locator, Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER, PASSWORD } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

test.use({ serverOptions: { args: ['--confirm-password-after', '0'] } });

test.beforeEach(({ collector }) => {
  collector.allow(failedToLoad(403));
  collector.allow(failedToLoad(429));
});

function passwordIn(dialog: Locator): Locator {
  return dialog.getByLabel('Password', { exact: true });
}

async function open(page: Page): Promise<DeveloperZone> {
  const zone = new DeveloperZone(page);
  await zone.open();
  return zone;
}

test('creating asks for the password in place, and goes on after it', async ({ page, signIn, server }) => {
  await signIn(MEMBER);
  const zone = await open(page);
  const { createDialog, newToken } = zone;
  const password = passwordIn(createDialog.dialog);
  await zone.createToken.click();
  await expect(password).toBeHidden();
  await createDialog.create.click();
  await expect(password).toBeFocused();
  expect(await listTokens(server)).toHaveLength(0);
  await expectAccessible(page);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(newToken.field).toHaveValue(/^[0-9A-Za-z]{46}$/);
  await newToken.done.click();
  expect(await listTokens(server)).toHaveLength(1);
});

test('a wrong password is said in the dialog, which stays; then the right one does it', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const zone = await open(page);
  const { dialog, create } = zone.createDialog;
  await zone.createToken.click();
  await create.click();
  await passwordIn(dialog).fill('not the password');
  await create.click();
  await expect(dialog.getByRole('alert')).toHaveText(/Incorrect password/);
  await expect(passwordIn(dialog)).toBeFocused();
  await expect(passwordIn(dialog)).toHaveAccessibleDescription(/Incorrect password/);
  expect(await listTokens(server)).toHaveLength(0);
  await passwordIn(dialog).fill(PASSWORD);
  await create.click();
  await expect(zone.newToken.field).toBeVisible();
});

test('too many wrong passwords: the dialog says how long to wait', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const zone = await open(page);
  const { dialog, create } = zone.createDialog;
  await zone.createToken.click();
  await create.click();
  const answered = () => page.waitForResponse('**/api/dashboard/create-token');
  const wait = dialog.getByRole('alert').filter({ hasText: /Wait \d+ seconds?, then try again/ });
  // On a machine that is slow enough the first wait is over before the next try; they grow.
  for (let tried = 0; tried < 8 && !(await wait.isVisible()); tried += 1) {
    // An answer that came is not yet an answer that is shown.
    await expect(create).toHaveText('Create Token');
    await passwordIn(dialog).fill('not the password');
    await Promise.all([answered(), create.click()]);
  }
  await expect(wait).toBeVisible();
  await expectAccessible(page);
});

test('what was typed is gone when the dialog is closed, and nothing is sent without it', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const zone = await open(page);
  const { dialog, create, cancel } = zone.createDialog;
  await zone.createToken.click();
  await create.click();
  await expect(passwordIn(dialog)).toBeFocused();
  await create.click();
  await expect(passwordIn(dialog)).toBeFocused();
  await passwordIn(dialog).fill(PASSWORD);
  await cancel.click();
  await zone.createToken.click();
  await expect(passwordIn(dialog)).toBeHidden();
  await create.click();
  await expect(passwordIn(dialog)).toHaveValue('');
  expect(await listTokens(server)).toHaveLength(0);
});

test('deleting asks for the password and goes on after it; pausing asks nothing', async ({
  page,
  signIn,
  server,
}) => {
  const preview = previewOf(await createToken(server));
  await signIn(MEMBER);
  const zone = await open(page);
  const { dialog, delete: remove } = zone.deleteDialog;
  await zone.row(preview).switch.click();
  await expect(zone.row(preview).status).toHaveText('Inactive');
  await zone.row(preview).delete.click();
  await remove.click();
  await expect(passwordIn(dialog)).toBeFocused();
  await expectAccessible(page);
  await passwordIn(dialog).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(zone.empty).toBeVisible();
  expect(await listTokens(server)).toHaveLength(0);
});
