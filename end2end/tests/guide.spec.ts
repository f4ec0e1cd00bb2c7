import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { clipboardText } from '../support/clipboard.ts';
import { ADMIN } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, test } from '../support/fixtures.ts';

test.use({ permissions: ['clipboard-write'] });

test('the guide: a token created in the browser opens the API, and each change applies to the very next call', async ({
  page,
  server,
}) => {
  const frame = new Frame(page);
  const zone = new DeveloperZonePage(page);

  await page.goto('/');
  await new SignInPage(page).signIn(ADMIN);
  await expect(frame.switcher.button).toHaveText('Select organisation');
  await frame.switcher.button.click();
  await frame.switcher.option('Summit Races (903)').click();
  await expect(frame.switcher.button).toHaveText(/^Summit Races \(903\)/);
  await frame.developerZone.click();
  await expect(zone.title).toBeVisible();
  await expect(zone.empty).toBeVisible();

  await zone.createToken.click();
  await expect(zone.createDialog.dialog).toContainText(/only once/);
  await zone.createDialog.create.click();
  await expect(zone.newToken.dialog).toBeVisible();
  await zone.newToken.copy.click();
  await expect(zone.newToken.status).toHaveText('Copied');
  const token = await clipboardText(page);
  await zone.newToken.done.click();
  await expect(zone.newToken.dialog).toBeHidden();
  const row = zone.row(previewOf(token));
  await expect(row.status).toHaveText('Active');
  await expect(zone.count(1)).toBeVisible();

  expect(await ping(server, token)).toEqual(PONG);

  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });

  await row.switch.click();
  await expect(row.status).toHaveText('Active');
  expect(await ping(server, token)).toEqual(PONG);

  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.empty).toBeVisible();
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_invalid' });
});
