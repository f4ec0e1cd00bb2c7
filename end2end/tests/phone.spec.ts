import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG } from '../support/external-api.ts';
import { expect, waitForHydration, test } from '../support/fixtures.ts';
import { scrollingSideways } from '../support/layout.ts';

test.use({ viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });

test('the whole flow works by touch at 360 px', async ({ page, server }) => {
  const frame = new Frame(page);
  const zone = new DeveloperZonePage(page);
  await page.goto('/sign-in');
  await new SignInPage(page).signIn(MEMBER);
  await waitForHydration(page);
  await frame.openMenu.tap();
  await frame.developerZone.tap();
  await expect(zone.empty).toBeVisible();
  await zone.createToken.tap();
  await zone.createDialog.create.tap();
  await expect(zone.newToken.field).toHaveValue(/^.{46}$/);
  expect(await scrollingSideways(page)).toEqual([]);
  const token = await zone.newToken.field.inputValue();
  await zone.newToken.done.tap();
  await zone.newToken.closeAnyway.tap();
  const row = zone.row(previewOf(token));
  await expect(row.status).toContainText('Active');
  expect(await ping(server, token)).toEqual(PONG);
  await row.switch.tap();
  await expect(row.status).toContainText('Inactive');
  await row.delete.tap();
  await zone.deleteDialog.delete.tap();
  await expect(zone.empty).toBeVisible();
  expect(await scrollingSideways(page)).toEqual([]);
});
