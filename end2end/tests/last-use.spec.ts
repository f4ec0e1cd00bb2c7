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

/** Usually `just now`; minutes on a busy machine. */
const RECENTLY = '(just now|\\d+ minutes? ago)';

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
  // By the server's clock: that of the browser may be wrong.
  await zone.page.clock.setFixedTime(before + 400 * 24 * 60 * MINUTE);
  await reload(zone);
  const time = row.lastUse.getByRole('time');
  const used = Date.parse((await time.getAttribute('datetime'))!);
  expect(used).toBeGreaterThanOrEqual(before);
  expect(used).toBeLessThanOrEqual(after);
  await expect(row.lastUse).toHaveText(new RegExp(`^Last used ${RECENTLY}$`));
  const clock = new Date(used).toLocaleTimeString('en-GB', { timeZone: 'Europe/London' });
  await expect(time).toHaveAttribute('title', new RegExp(`, ${clock} \\(Europe/London, UTC\\+0[01]:00\\)$`));
  await expect(zone.columns).toHaveText(['Token', 'Status', 'Created By', 'Created At', 'Actions']);
});

/** Each second from `first` to `last`, as London's clocks show it: `15:40:00`. */
function secondsBetween(first: number, last: number): string[] {
  const seconds: string[] = [];
  for (let at = first; at < last + 1_000; at += 1_000) {
    seconds.push(new Date(at).toLocaleTimeString('en-GB', { timeZone: 'Europe/London' }));
  }
  return seconds;
}

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
        `\\d\\d:\\d\\d:\\d\\d\\.$`,
    ),
  );
  const details = new RegExp(`^Last recorded call ${RECENTLY}\\.$`);
  await expect(confirmations.getByRole('paragraph')).toHaveAttribute('data-details', details);
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
  const { confirmations } = new Frame(zone.page);
  await expect(confirmations).toHaveText(
    new RegExp(
      `^Token ${token.slice(0, 5)}\\*{3} was deleted\\. Deleted everywhere at ` +
        '\\d\\d:\\d\\d:\\d\\d\\.$',
    ),
  );
  await expect(confirmations.getByRole('paragraph')).toHaveAttribute('data-details', 'No calls recorded.');
});
