import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG } from '../support/external-api.ts';
import { expect, waitForHydration, test } from '../support/fixtures.ts';
import { scrollingSideways } from '../support/layout.ts';
import { createTokens } from '../support/tokens.ts';

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
  await zone.newToken.closeWithoutCopying.tap();
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

test('a row scrolls out from under the message about its change, which has two lines and all of them on a touch', async ({
  page,
  server,
  signIn,
}) => {
  const tokens = await createTokens(server, 4);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const toggle = zone.row(previewOf(tokens[1]!)).switch;
  // At the foot of the screen, where the message appears.
  await toggle.evaluate((it) => scrollBy(0, it.getBoundingClientRect().bottom + 8 - innerHeight));
  await toggle.tap();
  const message = page.locator('.toast');
  await expect(message).toBeVisible();
  const edges = async () => {
    const [row, toast] = [await toggle.boundingBox(), await message.boundingBox()];
    return toast!.y - (row!.y + row!.height);
  };
  await expect.poll(edges).toBeGreaterThanOrEqual(0);
  const text = message.getByRole('paragraph');
  const lines = () =>
    text.evaluate((it) => it.getBoundingClientRect().height / parseFloat(getComputedStyle(it).lineHeight));
  expect(Math.round(await lines())).toBe(2);
  await text.tap();
  const details = () => text.evaluate((it) => getComputedStyle(it, '::after').content);
  await expect.poll(details).toContain('No calls recorded.');
});
