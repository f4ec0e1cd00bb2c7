import { DeveloperZone, previewOf, type TokenRow } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, hydrated, test as base } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

/** A token that was never used, and the page with its row. */
const test = base.extend<{ token: string; zone: DeveloperZone; row: TokenRow }>({
  token: async ({ server }, use) => use(await createToken(server)),
  zone: async ({ page, signIn, token: _ }, use) => {
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await zone.open();
    await use(zone);
  },
  row: async ({ zone, token }, use) => use(zone.row(previewOf(token))),
});

/** Loads the page anew where the clock stands so much later than here. */
async function reloadLater(zone: DeveloperZone, milliseconds: number): Promise<void> {
  await zone.page.clock.setFixedTime(Date.now() + milliseconds);
  await zone.page.reload();
  await hydrated(zone.page);
}

const MINUTE = 60_000;

test('a token is Never used until a call with it is accepted', async ({ page, server, token, zone, row }) => {
  await expect(row.lastUse).toHaveText('Never used');
  expect(refusal(await ping(server, token, { organisation: 904 })).status).toBe(403);
  await page.reload();
  await hydrated(page);
  await expect(row.lastUse, 'it was refused').toHaveText('Never used');
  expect(await ping(server, token)).toEqual(PONG);
  await page.reload();
  await hydrated(page);
  await expect(row.lastUse).toHaveText('Last used just now');
  await expect(zone.columns).toHaveText(['Token', 'Status', 'Created By', 'Created At', 'Actions']);
});

test('how long ago is said in words, and the exact instant on hover', async ({ server, token, zone, row }) => {
  expect(await ping(server, token)).toEqual(PONG);
  for (const [later, words] of [
    [0, 'just now'],
    [-MINUTE, 'just now'],
    [1.5 * MINUTE, '1 minute ago'],
    [59.5 * MINUTE, '59 minutes ago'],
    [2.5 * 60 * MINUTE, '2 hours ago'],
    [49 * 60 * MINUTE, '2 days ago'],
  ] as const) {
    await reloadLater(zone, later);
    await expect(row.lastUse).toHaveText(`Last used ${words}`);
  }
  const time = row.lastUse.getByRole('time');
  const instant = (await time.getAttribute('datetime'))!;
  expect(Math.abs(Date.now() - Date.parse(instant))).toBeLessThan(MINUTE);
  const full = await zone.page.evaluate(
    (instant) => new Date(instant).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' }),
    instant,
  );
  await expect(time).toHaveAttribute('title', full);
});

test.describe('without script', () => {
  test('the last use is written in UTC', async ({ openContext, context, server, token, zone }) => {
    expect(await ping(server, token)).toEqual(PONG);
    const plain = await openContext({
      javaScriptEnabled: false,
      storageState: await context.storageState(),
    });
    const page = await plain.newPage();
    await page.goto('/developer-zone');
    const row = new DeveloperZone(page).row(previewOf(token));
    const time = row.lastUse.getByRole('time');
    const instant = (await time.getAttribute('datetime'))!.slice(0, 19).replace('T', ' ');
    await expect(row.lastUse).toHaveText(`Last used ${instant.slice(0, 16)} UTC`);
    await expect(time).toHaveAttribute('title', `${instant} UTC`);
    await expect(zone.card).toBeVisible();
  });
});

/** The time of day in a receipt, as this day's instant. */
function instantIn(receipt: string): number {
  const time = /since (\d\d:\d\d:\d\d)\./.exec(receipt)?.[1];
  const now = new Date();
  const date = now.toLocaleDateString('sv-SE', { timeZone: 'Europe/London' });
  const offset = now.getTime() - new Date(now.toLocaleString('sv-SE', { timeZone: 'Europe/London' }) + 'Z').getTime();
  return Date.parse(`${date}T${time}Z`) + Math.round(offset / 1_000) * 1_000;
}

test('after pausing it says since when no server accepts the token, and when it was last used', async ({
  server,
  token,
  zone,
  row,
}) => {
  const { confirmations } = new Frame(zone.page);
  expect(await ping(server, token)).toEqual(PONG);
  const before = Date.now();
  await row.switch.click();
  await expect(confirmations).toHaveText(
    new RegExp(
      `^Token ${token.slice(0, 5)}\\*{3} is inactive\\. No server has accepted it since ` +
        '\\d\\d:\\d\\d:\\d\\d\\. Last recorded use just now\\.$',
    ),
  );
  const since = instantIn(await confirmations.innerText());
  expect(since).toBeGreaterThan(before - 2_000);
  expect(since).toBeLessThan(Date.now() + 1_000);
  await expect(row.lastUse, 'the row knows it too').toHaveText('Last used just now');
  expect(refusal(await ping(server, token)).status).toBe(403);
  await zone.page.reload();
  await hydrated(zone.page);
  const time = row.lastUse.getByRole('time');
  const used = Date.parse((await time.getAttribute('datetime'))!);
  expect(used, 'what was refused since is no use').toBeLessThan(since + 1_000);
});

test('after deleting likewise; a token that nobody used is said to be one', async ({ zone, row, token }) => {
  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(new Frame(zone.page).confirmations).toHaveText(
    new RegExp(
      `^Token ${token.slice(0, 5)}\\*{3} was deleted\\. No server has accepted it since ` +
        '\\d\\d:\\d\\d:\\d\\d\\. No use was recorded\\.$',
    ),
  );
});

test('the table with its last uses and the receipt are accessible, and fit a phone', async ({
  server,
  token,
  zone,
  row,
}) => {
  await createToken(server);
  expect(await ping(server, token)).toEqual(PONG);
  await zone.page.reload();
  await hydrated(zone.page);
  await expectAccessible(zone.page);
  await row.switch.click();
  const { confirmations } = new Frame(zone.page);
  await expect(confirmations).toBeVisible();
  await expectAccessible(zone.page, [360]);
});
