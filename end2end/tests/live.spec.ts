import type { Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { ADMIN, MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, signIn as signInWith, test } from '../support/fixtures.ts';
import {
  breakConnection,
  CONNECTION_FAILED,
  countRequests,
  failedToLoad,
} from '../support/requests.ts';
import { createToken, elsewhere } from '../support/tokens.ts';

/** Makes the page seen or unseen, as switching tabs does. */
async function beSeen(page: Page, seen: boolean): Promise<void> {
  await page.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value: hidden });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, !seen);
}

test('what somebody else does appears without reloading, and what one is doing stays', async ({
  page,
  openContext,
  signIn,
  server,
}) => {
  const [first, second] = [previewOf(await createToken(server)), previewOf(await createToken(server))];
  const mine = new DeveloperZone(page);
  await signIn(MEMBER);
  await mine.open();
  await page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await mine.rows.getByRole('button', { name: `Name token ${first}`, exact: true }).click();
  await page.keyboard.type('half typed');

  const context = await openContext();
  const theirs = new DeveloperZone(await context.newPage());
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

  const field = mine.rows.getByRole('textbox', { name: `Name of token ${first}`, exact: true });
  await expect(field).toHaveValue('half typed');
  await expect(field).toBeFocused();
  expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
});

test('nobody asks for a tab that nobody sees, and it catches up when it is seen again', async ({
  page,
  signIn,
  server,
}) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await page.clock.install();
  const asked = countRequests(page, 'watch-tokens');
  await zone.open();
  await page.clock.runFor(2_000);
  await expect.poll(asked).toBeGreaterThan(0);
  await beSeen(page, false);
  const before = asked();
  await page.clock.runFor(60_000);
  expect(asked()).toBe(before);
  await elsewhere(server, 'deactivate', preview);
  await beSeen(page, true);
  await expect(zone.row(preview).status).toHaveText('Inactive');
});

test('a table that cannot be kept up to date says so, until it can again', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(CONNECTION_FAILED);
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const mend = await breakConnection(page, 'watch-tokens');
  const behind = zone.card.getByRole('status').filter({ hasText: /may not be up to date/ });
  await expect(behind).toBeVisible();
  await elsewhere(server, 'deactivate', preview);
  await mend();
  // Each question waits twice as long as the one before.
  await expect(zone.row(preview).status).toHaveText('Inactive', { timeout: 60_000 });
  await expect(behind).toHaveCount(0);
});

test('a plan that was lowered shows the lock by itself', async ({ page, signIn, server, collector }) => {
  collector.allow(failedToLoad(403));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'pro');
  const { heading } = zone;
  await expect(heading).toBeVisible();
  await expect(
    page.getByRole('main').getByRole('heading', { name: 'Enterprise Plan Required' }),
  ).toBeVisible();
});
