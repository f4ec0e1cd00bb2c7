// The page polls the server, so it shows what others change without a reload.

import type { Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { ADMIN, MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, signIn as signInWith, test } from '../support/fixtures.ts';
import {
  breakConnection,
  CONNECTION_FAILED,
  countRequests,
  failedToLoad,
  respondTooManyRequests,
} from '../support/requests.ts';
import { changeByCli, createToken } from '../support/tokens.ts';

/** Makes the page visible or hidden, as switching browser tabs does. */
async function setVisible(page: Page, visible: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, !visible);
}

test('changes by another person appear without a reload and leave what one is typing alone', async ({
  page,
  openContext,
  signIn,
  server,
}) => {
  const [first, second] = [previewOf(await createToken(server)), previewOf(await createToken(server))];
  const mine = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await mine.open();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await mine.rows.getByRole('button', { name: `Name token ${first}`, exact: true }).click();
  const field = mine.rows.getByRole('textbox', { name: `Name of token ${first}`, exact: true });
  await expect(field).toBeFocused();
  await page.keyboard.type('half typed');

  const context = await openContext();
  const theirs = new DeveloperZonePage(await context.newPage());
  await signInWith(context.request, ADMIN, SUMMIT);
  await theirs.open();
  await theirs.row(second).switch.click();
  await expect(mine.row(second).status).toHaveText('Inactive');
  const third = previewOf(await theirs.createAndClose());
  await expect(mine.row(third).row).toBeVisible();
  await expect(mine.count(3)).toBeVisible();
  await theirs.row(second).delete.click();
  await theirs.deleteDialog.delete.click();
  await expect(mine.row(second).row).toHaveCount(0);

  await expect(field).toHaveValue('half typed');
  await expect(field).toBeFocused();
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
});

test('a hidden tab does not poll, and catches up when it becomes visible', async ({ page, signIn, server }) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await page.clock.install();
  const polls = countRequests(page, 'watch-tokens');
  await zone.open();
  await page.clock.runFor(2_000);
  await expect.poll(polls).toBeGreaterThan(0);
  await setVisible(page, false);
  const before = polls();
  await page.clock.runFor(60_000);
  expect(polls()).toBe(before);
  await changeByCli(server, 'deactivate', preview);
  await setVisible(page, true);
  await expect(zone.row(preview).status).toHaveText('Inactive');
});

test('while polls fail, the page says that the table may be out of date', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(CONNECTION_FAILED);
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const restore = await breakConnection(page, 'watch-tokens');
  const behind = zone.card.getByRole('status').filter({ hasText: /may not be up to date/ });
  await expect(behind).toBeVisible();
  await changeByCli(server, 'deactivate', preview);
  await restore();
  await expect(zone.row(preview).status).toHaveText('Inactive');
  await expect(behind).toHaveCount(0);
});

test('a poll beyond the limits of requests is repeated, and the page does not claim that the server is away', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(429));
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const polls = countRequests(page, 'watch-tokens');
  const restore = await respondTooManyRequests(page, 'watch-tokens');
  await expect.poll(polls).toBeGreaterThan(4);
  await expect(zone.card.getByText('may not be up to date')).toHaveCount(0);
  await changeByCli(server, 'deactivate', preview);
  await restore();
  await expect(zone.row(preview).status).toHaveText('Inactive');
});

test('after another user has signed in, in another tab, the page becomes that user’s', async ({
  context,
  page,
  signIn,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(409));
  await signIn(MEMBER);
  await new DeveloperZonePage(page).open();
  const { account } = new Frame(page);
  await expect(account).toContainText(MEMBER);
  await signInWith(context.request, ADMIN, SUMMIT);
  await expect(account).toContainText(ADMIN);
});

test('after the organisation’s plan was lowered, the page shows the upgrade text without a reload', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(403));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'pro');
  await expect(zone.heading).toBeVisible();
  await expect(
    page.getByRole('main').getByRole('heading', { name: 'Enterprise Plan Required' }),
  ).toBeVisible();
});
