// Scans every state of every page. A scan runs axe, and checks that everything fits from 320 px to 1280 px.
//
// One test visits many states, because loading a page and signing in costs more than a scan. States that only some
// feature's own test can reach (a password prompt, a failed test call) are scanned there.

import type { Locator, Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame, LockedItem } from '../pages/frame.ts';
import { ResetPasswordPage } from '../pages/reset-password.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { expectAccessible, PHONE } from '../support/accessibility.ts';
import { noClipboard } from '../support/clipboard.ts';
import { ADMIN, EVENT, MEMBER, TRIAL } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad, HeldRequests } from '../support/requests.ts';
import { resetLink } from '../support/reset-link.ts';
import { changeByCli, createToken, createTokens } from '../support/tokens.ts';

/** Keeps flash messages, which the page removes after some seconds: drops long timers on pages opened from now on. */
async function keepFlashMessages(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { setTimeout } = window;
    const shortOnly = (handler: TimerHandler, delay = 0, ...rest: unknown[]) =>
      delay < 5_000 ? setTimeout(handler, delay, ...rest) : 0;
    window.setTimeout = shortOnly as typeof setTimeout;
  });
}

test('sign-in, its error, the events, a failure message, page not found', async ({ page, pageErrors }) => {
  await noClipboard(page);
  await openPage(page, '/sign-in');
  await test.step('sign-in', () => expectAccessible(page));
  const form = new SignInPage(page);
  await form.signIn(MEMBER, 'not-the-password');
  await expect(form.error).toBeVisible();
  await test.step('wrong password', () => expectAccessible(page));

  await form.signIn(MEMBER);
  await expect(page).toHaveURL('/');
  await test.step('Home with the first steps', () => expectAccessible(page));
  await openPage(page, '/events?page=2');
  await expect(new EventsPage(page).shown).toBeVisible();
  await test.step('events', () => expectAccessible(page));
  await openPage(page, '/events');
  await new EventsPage(page).copyId(EVENT).click();
  await expect(new Frame(page).failures).toBeVisible();
  await test.step('a failure message over the page', () => expectAccessible(page));

  pageErrors.allow(failedToLoad(404));
  await openPage(page, '/no-such-page');
  await test.step('page not found', () => expectAccessible(page));
});

test('a forgotten password: whom to ask, the link, a refused password, a link that does not work', async ({
  page,
  server,
  pageErrors,
}) => {
  const reset = new ResetPasswordPage(page);
  await openPage(page, '/forgotten-password');
  await test.step('whom to ask', () => expectAccessible(page));
  await page.goto((await resetLink(server, MEMBER)).path);
  await expect(reset.next).toBeFocused();
  await test.step('the link', () => expectAccessible(page));
  await reset.setPassword('Password1234');
  await expect(reset.next).toHaveAccessibleDescription(/too common/);
  await test.step('a refused password', () => expectAccessible(page));
  pageErrors.allow(failedToLoad(404));
  await page.goto('/reset-password');
  await expect(reset.ended).toBeVisible();
  await test.step('a link that does not work', () => expectAccessible(page));
});

test('on a plan without the Developer Zone: no events, tooltip, dialog, locked page, phone menu', async ({
  page,
  signIn,
}) => {
  const lockedItem = new LockedItem(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await lockedItem.item.hover();
  await expect(lockedItem.tooltip).toBeVisible();
  await test.step('no events, and the tooltip', () => expectAccessible(page));
  await lockedItem.item.click();
  await expect(lockedItem.dialog).toBeVisible();
  await test.step('the dialog', () => expectAccessible(page));
  await openPage(page, '/');
  await test.step('Home', () => expectAccessible(page));
  await openPage(page, '/developer-zone');
  await expect(page.getByRole('heading', { name: 'Enterprise Plan Required' })).toBeVisible();
  await test.step('the locked page', () => expectAccessible(page));
  await page.setViewportSize({ width: PHONE, height: 740 });
  await new Frame(page).openMenu.click();
  await expect(new Frame(page).navigation).toBeVisible();
  await test.step('the menu on a phone', () => expectAccessible(page, PHONE));
});

test('no organisation selected, the list of organisations, none found, the list on a phone', async ({
  page,
  signIn,
}) => {
  const { openMenu, switcher } = new Frame(page);
  await signIn(ADMIN);
  await openPage(page, '/developer-zone');
  await expect(page.getByRole('heading', { name: 'Choose an organisation' })).toBeVisible();
  await test.step('no organisation selected', () => expectAccessible(page));
  await switcher.button.click();
  await expect(switcher.search).toBeVisible();
  await test.step('the list', () => expectAccessible(page));
  await page.setViewportSize({ width: PHONE, height: 740 });
  await openPage(page, '/developer-zone');
  await openMenu.click();
  await switcher.button.click();
  await expect(switcher.search).toBeVisible();
  await test.step('the list on a phone', () => expectAccessible(page, PHONE));
  await switcher.search.fill('nothing like it');
  await expect(switcher.options).toHaveCount(0);
  await test.step('none found', () => expectAccessible(page, PHONE));
});

test('events and tokens that could not be loaded', async ({ page, signIn, server, pageErrors }) => {
  pageErrors.allow(failedToLoad(500));
  await signIn(MEMBER);
  await server.renameTableAway('events');
  await openPage(page, '/events');
  await expect(new EventsPage(page).tryAgain).toBeVisible();
  await test.step('events', () => expectAccessible(page));
  await server.renameTableAway('tokens');
  await openPage(page, '/developer-zone');
  await expect(new DeveloperZonePage(page).tryAgain).toBeVisible();
  await test.step('tokens', () => expectAccessible(page));
});

test('creating a token: no tokens yet, the dialog, the new token, the question before it closes', async ({
  page,
  signIn,
}) => {
  await noClipboard(page);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.empty).toBeVisible();
  await test.step('no tokens', () => expectAccessible(page));
  await zone.createToken.click();
  await expect(zone.createDialog.dialog).toBeVisible();
  await test.step('the dialog', () => expectAccessible(page));
  await zone.createDialog.create.click();
  await expect(zone.newToken.dialog).toBeVisible();
  await test.step('the new token', () => expectAccessible(page));
  await zone.newToken.copy.click();
  await page.keyboard.press('Escape');
  await expect(zone.newToken.question).toBeVisible();
  await test.step('the question, and copying by hand', () => expectAccessible(page));
});

test('a table of tokens: switching, confirmation, names, shortcuts, deletion, expired session', async ({
  page,
  context,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(422), failedToLoad(401));
  await keepFlashMessages(page);
  const [active, inactive, changing] = await createTokens(server, 3);
  await changeByCli(server, 'deactivate', previewOf(inactive!));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'deactivate-token');
  await zone.row(previewOf(changing!)).switch.click();
  await held.untilOneArrived();
  await expect(zone.row(previewOf(active!)).status).toHaveText('Active');
  await test.step('active, inactive, and being switched', () => expectAccessible(page));
  await held.release();
  await expect(new Frame(page).confirmations).toBeVisible();
  await test.step('a confirmation over the page', () => expectAccessible(page));
  await expect(new Frame(page).confirmations, 'during the whole scan').toBeVisible();

  const field = zone.rows.getByRole('textbox');
  const rename = async (token: string, name: string) => {
    await zone.rows.getByRole('button', { name: `Name token ${previewOf(token)}` }).click();
    await field.fill(name);
    await field.press('Enter');
  };
  await rename(changing!, 'Website gallery of the Summit Marathon, staging and live');
  await expect(field).toHaveCount(0);
  await rename(active!, 'x\u202e');
  await expect(zone.rows.getByRole('alert')).toBeVisible();
  await test.step('a long name, and a refused one', () => expectAccessible(page));
  await field.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await test.step('the keyboard shortcuts', () => expectAccessible(page));
  await page.keyboard.press('Escape');

  await zone.row(previewOf(inactive!)).delete.click();
  await expect(zone.deleteDialog.dialog).toBeVisible();
  await test.step('the question before deletion', () => expectAccessible(page));
  await zone.deleteDialog.cancel.click();
  await zone.menu.click();
  await expect(zone.deactivateAll).toBeVisible();
  await test.step('the menu', () => expectAccessible(page));
  await zone.deactivateAll.click();
  await expect(zone.deactivateAllDialog.dialog).toBeVisible();
  await test.step('the question before all tokens are deactivated', () => expectAccessible(page));
  await zone.deactivateAllDialog.cancel.click();
  // The next poll notices it.
  await context.clearCookies();
  await expect(new Frame(page).sessionEnded).toBeVisible();
  await test.step('the session has expired', () => expectAccessible(page));
});

test('a full table of tokens, one by an admin with a long address, and the deletion of one with a long name', async ({
  page,
  signIn,
  server,
}) => {
  const long = `${'maximiliane.'.repeat(5)}@race-photos.example.com`;
  await server.sql(`UPDATE users SET email = '${long}' WHERE email = '${ADMIN}';`);
  const preview = previewOf(await createToken(server, long));
  await createTokens(server, 9);
  await server.sql(`UPDATE tokens SET name = '${'Dampfschifffahrt'.repeat(4).slice(0, 60)}';`);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.limit).toBeVisible();
  await expectAccessible(page);
  await zone.row(preview).row.getByRole('button', { name: /^Delete token/ }).click();
  await expect(zone.deleteDialog.delete).toBeVisible();
  await test.step('the question', () => expectAccessible(page));
});

test('in forced colours, shapes tell the state of a switch, a badge and the current page', async ({
  page,
  signIn,
  server,
}) => {
  const tokens = await createTokens(server, 2);
  await changeByCli(server, 'deactivate', previewOf(tokens[1]!));
  const zone = new DeveloperZonePage(page);
  const [active, inactive] = tokens.map((token) => zone.row(previewOf(token)));
  await page.emulateMedia({ forcedColors: 'active' });
  await signIn(MEMBER);
  await zone.open();
  await expect(inactive!.status).toHaveText('Inactive');
  const screenshot = async (control: Locator) => (await control.screenshot()).toString('base64');
  expect(await screenshot(active!.switch)).not.toBe(await screenshot(inactive!.switch));
  const dot = (badge: Locator) => badge.evaluate((badge) => getComputedStyle(badge, '::before').borderWidth);
  expect(await dot(active!.status)).not.toBe(await dot(inactive!.status));
  const background = (item: Locator) => item.evaluate((item) => getComputedStyle(item).backgroundColor);
  const { developerZone, events } = new Frame(page);
  expect(await background(developerZone)).not.toBe(await background(events));
});
