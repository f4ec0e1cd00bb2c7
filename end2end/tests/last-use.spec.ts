import { DeveloperZonePage, previewOf, type TokenRow } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible, PHONE } from '../support/accessibility.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, test as base, waitForHydration } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

/** An unused token, and the page that shows its row. */
const test = base.extend<{ token: string; zone: DeveloperZonePage; row: TokenRow }>({
  token: async ({ server }, use) => use(await createToken(server)),
  zone: async ({ page, signIn, token: _ }, use) => {
    const zone = new DeveloperZonePage(page);
    await signIn(MEMBER);
    await zone.open();
    await use(zone);
  },
  row: async ({ zone, token }, use) => use(zone.row(previewOf(token))),
});

const MINUTE = 60_000;

async function reload(zone: DeveloperZonePage): Promise<void> {
  await zone.page.reload();
  await waitForHydration(zone.page);
}

test('a token is Never used until a call is accepted; then the row says how long ago, and exactly when on hover', async ({
  server,
  token,
  zone,
  row,
}) => {
  await expect(row.lastUse).toHaveText('Never used');
  expect(refusal(await ping(server, token, { organisation: 904 })).status).toBe(403);
  await reload(zone);
  await expect(row.lastUse, 'a refused call is no use').toHaveText('Never used');
  const before = Date.now();
  expect(await ping(server, token)).toEqual(PONG);
  const after = Date.now();
  await reload(zone);
  const time = row.lastUse.getByRole('time');
  const instant = (await time.getAttribute('datetime'))!;
  const used = Date.parse(instant);
  expect(used).toBeGreaterThanOrEqual(before);
  expect(used).toBeLessThanOrEqual(after);
  const full = await zone.page.evaluate(
    (instant) => new Date(instant).toLocaleString('en-GB', { dateStyle: 'full', timeStyle: 'long' }),
    instant,
  );
  await expect(time).toHaveAttribute('title', full);

  let madeAt = used;
  await zone.page.route('**/developer-zone', async (route) => {
    const response = await route.fetch();
    const page = await response.text();
    await route.fulfill({ response, body: page.replace(/(made_at&quot;:)\d+/, `$1${madeAt}`) });
  });
  const DAY = 24 * 60 * MINUTE;
  for (const [later, words, wrong] of [
    [0, 'just now', 0],
    [-MINUTE, 'just now', 0],
    [1.5 * MINUTE, '1 minute ago', 0],
    [59.5 * MINUTE, '59 minutes ago', 0],
    [2.5 * 60 * MINUTE, '2 hours ago', 0],
    [2.5 * 60 * MINUTE, '2 hours ago', -DAY],
    [49 * 60 * MINUTE, '2 days ago', 400 * DAY],
    [0, 'just now', 400 * DAY],
  ] as const) {
    madeAt = used + later;
    await zone.page.clock.setFixedTime(madeAt + wrong);
    await reload(zone);
    await expect(row.lastUse, `the browser's clock is ${wrong} ms ahead`).toHaveText(`Last used ${words}`);
  }
  await expect(zone.columns).toHaveText(['Token', 'Status', 'Created By', 'Created At', 'Actions']);
});

test('without script the last use is in UTC', async ({ openContext, context, server, token, zone }) => {
  expect(await ping(server, token)).toEqual(PONG);
  const plain = await openContext({
    javaScriptEnabled: false,
    storageState: await context.storageState(),
  });
  const page = await plain.newPage();
  await page.goto('/developer-zone');
  const row = new DeveloperZonePage(page).row(previewOf(token));
  const time = row.lastUse.getByRole('time');
  const instant = (await time.getAttribute('datetime'))!.slice(0, 19).replace('T', ' ');
  await expect(row.lastUse).toHaveText(`Last used ${instant.slice(0, 16)} UTC`);
  await expect(time).toHaveAttribute('title', `${instant} UTC`);
  await expect(zone.card).toBeVisible();
});

/** Each second from `first` to `last`, as London's clocks show it: `15:40:00`. */
function secondsBetween(first: number, last: number): string[] {
  const seconds: string[] = [];
  for (let at = first; at < last + 1_000; at += 1_000) {
    seconds.push(new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Europe/London' }));
  }
  return seconds;
}

/** Usually `just now`; minutes on a busy machine. */
const RECENTLY = '(just now|\\d+ minutes? ago)';

test('deactivating says since when no server accepts the token, and when it was last used', async ({
  server,
  token,
  zone,
  row,
}) => {
  const { confirmations } = new Frame(zone.page);
  await createToken(server);
  expect(await ping(server, token)).toEqual(PONG);
  await reload(zone);
  await expectAccessible(zone.page);
  const before = Date.now();
  await row.switch.click();
  await expect(confirmations).toHaveText(
    new RegExp(
      `^Token ${token.slice(0, 5)}\\*{3} is inactive\\. Deactivated everywhere at ` +
        `\\d\\d:\\d\\d:\\d\\d\\. Last recorded call ${RECENTLY}\\.$`,
    ),
  );
  const since = /everywhere at (\d\d:\d\d:\d\d)\./.exec(await confirmations.innerText())?.[1];
  expect(secondsBetween(before, Date.now())).toContain(since);
  await expect(row.lastUse, 'the row is updated too').toHaveText(new RegExp(`^Last used ${RECENTLY}$`));
  await expectAccessible(zone.page, PHONE);

  const used = await row.lastUse.getByRole('time').getAttribute('datetime');
  expect(refusal(await ping(server, token)).status).toBe(403);
  await reload(zone);
  await expect(row.lastUse.getByRole('time'), 'a refused call is no use').toHaveAttribute('datetime', used!);
});

test('deleting says since when no server accepts the token, and that it was not used', async ({
  zone,
  row,
  token,
}) => {
  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(new Frame(zone.page).confirmations).toHaveText(
    new RegExp(
      `^Token ${token.slice(0, 5)}\\*{3} was deleted\\. Deleted everywhere at ` +
        '\\d\\d:\\d\\d:\\d\\d\\. No calls recorded\\.$',
    ),
  );
});
