import type { Locator } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame, Lock } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { ADMIN, EVENT, MEMBER, SUMMIT, TRIAL } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad, HeldRequests } from '../support/requests.ts';
import { createToken, createTokens, elsewhere } from '../support/tokens.ts';

// Each state is scanned in light and dark, at 1280 and 360 px, and must fit from 320 to 1920 px. What is asked or refused
// on a page's way is scanned where that is tested.

/** Keeps messages on the page that go by themselves after a while. */
const NO_LONG_TIMERS = () => {
  const { setTimeout } = window;
  const short = (handler: TimerHandler, delay = 0, ...rest: unknown[]) =>
    delay < 5_000 ? setTimeout(handler, delay, ...rest) : 0;
  window.setTimeout = short as typeof setTimeout;
};

const NO_CLIPBOARD = () => {
  Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined });
};

test('sign-in, and its error', async ({ page }) => {
  const form = new SignInPage(page);
  await openPage(page, '/sign-in');
  await expectAccessible(page);
  await form.signIn(MEMBER, 'not-the-password');
  await expect(form.error).toBeVisible();
  await expectAccessible(page);
});

test('events', async ({ page, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/events?page=2');
  await expect(new EventsPage(page).shown).toBeVisible();
  await expectAccessible(page);
});

test('events: a message over the page', async ({ page, signIn }) => {
  await page.addInitScript(NO_CLIPBOARD);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await new EventsPage(page).copyId(EVENT).click();
  await expect(new Frame(page).failures).toBeVisible();
  await expectAccessible(page);
});

test('events: none', async ({ page, signIn }) => {
  await signIn(TRIAL);
  await openPage(page, '/events');
  await expectAccessible(page);
});

test('events: not loaded', async ({ page, signIn, server, collector }) => {
  collector.allow(failedToLoad(500));
  await signIn(MEMBER);
  await server.takeTableAway('events');
  await openPage(page, '/events');
  await expect(new EventsPage(page).tryAgain).toBeVisible();
  await expectAccessible(page);
});

test('Developer Zone: no tokens', async ({ page, signIn }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.empty).toBeVisible();
  await expectAccessible(page);
});

test('Developer Zone: tokens, active, inactive and being switched', async ({ page, signIn, server }) => {
  const [active, inactive, changing] = await createTokens(server, 3);
  await elsewhere(server, 'deactivate', previewOf(inactive!));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'set-token-active');
  await zone.row(previewOf(changing!)).switch.click();
  await held.untilOneArrived();
  await expect(zone.row(previewOf(active!)).status).toHaveText('Active');
  await expectAccessible(page);
  await held.release();
});

test('Developer Zone: a confirmation over the page', async ({ page, signIn, server }) => {
  await page.addInitScript(NO_LONG_TIMERS);
  const token = await createToken(server);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.row(previewOf(token)).switch.click();
  await expect(new Frame(page).confirmations).toBeVisible();
  await expectAccessible(page);
  await expect(new Frame(page).confirmations).toBeVisible();
});

test('Developer Zone: names, one of them being changed and refused, and the shortcuts', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(422));
  const [first] = await createTokens(server, 2);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const field = zone.rows.getByRole('textbox');
  const name = async (text: string) => {
    await zone.rows.getByRole('button', { name: `Name token ${previewOf(first!)}` }).click();
    await field.fill(text);
    await field.press('Enter');
  };
  await name('x\u202e');
  await expect(zone.rows.getByRole('alert')).toBeVisible();
  await expectAccessible(page);
  await field.press('Escape');
  await name('Website gallery of the Summit Marathon, staging and live');
  await expect(field).toHaveCount(0);
  await expectAccessible(page);
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  await expectAccessible(page);
});

test('Developer Zone: at the limit', async ({ page, signIn, server }) => {
  await createTokens(server, 10);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.limit).toBeVisible();
  await expectAccessible(page);
});

test('Developer Zone: not loaded', async ({ page, signIn, server, collector }) => {
  collector.allow(failedToLoad(500));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await server.takeTableAway('tokens');
  await openPage(page, '/developer-zone');
  await expect(zone.tryAgain).toBeVisible();
  await expectAccessible(page);
});

test('create dialog, new token, asking before it closes, copying by hand', async ({ page, signIn }) => {
  await page.addInitScript(NO_CLIPBOARD);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await expect(zone.createDialog.dialog).toBeVisible();
  await expectAccessible(page);
  await zone.createDialog.create.click();
  await expect(zone.newToken.dialog).toBeVisible();
  await expectAccessible(page);
  await zone.newToken.copy.click();
  await page.keyboard.press('Escape');
  await expect(zone.newToken.question).toBeVisible();
  await expectAccessible(page);
});

test('delete dialog', async ({ page, signIn, server }) => {
  const token = await createToken(server);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.row(previewOf(token)).delete.click();
  await expect(zone.deleteDialog.dialog).toBeVisible();
  await expectAccessible(page);
});

test('session ended', async ({ page, context, signIn, server, collector }) => {
  collector.allow(failedToLoad(401));
  const token = await createToken(server);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await context.clearCookies();
  await zone.row(previewOf(token)).switch.click();
  await expect(new Frame(page).sessionEnded).toBeVisible();
  await expectAccessible(page);
});

test('no organisation selected, and the list of organisations', async ({ page, signIn }) => {
  const { switcher } = new Frame(page);
  await signIn(ADMIN);
  await openPage(page, '/developer-zone');
  await expect(page.getByRole('heading', { name: 'Choose an organisation' })).toBeVisible();
  await expectAccessible(page);
  await switcher.button.click();
  await expect(switcher.search).toBeVisible();
  await expectAccessible(page);
});

test('locked: the item with its tooltip, the dialog, the page', async ({ page, signIn }) => {
  const lock = new Lock(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await lock.item.hover();
  await expect(lock.tooltip).toBeVisible();
  await expectAccessible(page);
  await lock.item.click();
  await expect(lock.dialog).toBeVisible();
  await expectAccessible(page);
  await openPage(page, '/developer-zone');
  await expect(page.getByRole('heading', { name: 'Enterprise Plan Required' })).toBeVisible();
  await expectAccessible(page);
});

test('on a phone: the drawer, and the locked item in it', async ({ page, signIn }) => {
  const frame = new Frame(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(TRIAL);
  await openPage(page, '/events');
  await frame.openMenu.click();
  await expect(frame.navigation).toBeVisible();
  await expectAccessible(page, [360]);
});

test('page not found', async ({ page, signIn, collector }) => {
  collector.allow(failedToLoad(404));
  await signIn(MEMBER);
  await openPage(page, '/no-such-page');
  await expectAccessible(page);
});

test('on a phone: the organisations in the drawer, and none found', async ({ page, signIn }) => {
  const { openMenu, switcher } = new Frame(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(ADMIN, SUMMIT);
  await openPage(page, '/developer-zone');
  await openMenu.click();
  await switcher.button.click();
  await expect(switcher.search).toBeVisible();
  await expectAccessible(page, [360]);
  await switcher.search.fill('nothing like it');
  await expect(switcher.options).toHaveCount(0);
  await expectAccessible(page, [360]);
});

test('in forced colours a switch, a badge and the current page are told from others by their shape', async ({
  page,
  signIn,
  server,
}) => {
  const tokens = await createTokens(server, 2);
  await elsewhere(server, 'deactivate', previewOf(tokens[1]!));
  const zone = new DeveloperZone(page);
  const [active, inactive] = tokens.map((token) => zone.row(previewOf(token)));
  await page.emulateMedia({ forcedColors: 'active' });
  await signIn(MEMBER);
  await zone.open();
  await expect(inactive!.status).toHaveText('Inactive');
  const look = async (control: Locator) => (await control.screenshot()).toString('base64');
  expect(await look(active!.switch)).not.toBe(await look(inactive!.switch));
  const dot = (badge: Locator) => badge.evaluate((badge) => getComputedStyle(badge, '::before').borderWidth);
  expect(await dot(active!.status)).not.toBe(await dot(inactive!.status));
  const back = (item: Locator) => item.evaluate((item) => getComputedStyle(item).backgroundColor);
  const { developerZone, events } = new Frame(page);
  expect(await back(developerZone)).not.toBe(await back(events));
});
