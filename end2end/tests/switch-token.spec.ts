import { DeveloperZone, previewOf, type TokenRow } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, test as base } from '../support/fixtures.ts';
import {
  answerUnavailable,
  breakConnection,
  CONNECTION_FAILED,
  failedToLoad,
  HeldRequests,
} from '../support/requests.ts';
import { createToken, elsewhere, listTokens } from '../support/tokens.ts';

/** A page with one active token. */
const test = base.extend<{ token: string; row: TokenRow }>({
  token: async ({ server }, use) => use(await createToken(server)),
  row: async ({ page, signIn, token }, use) => {
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await zone.open();
    await use(zone.row(previewOf(token)));
  },
});

test('nothing is claimed before the server has done it: the row says Deactivating…, then Inactive', async ({
  page,
  server,
  token,
  row,
}) => {
  const held = await HeldRequests.of(page, 'set-token-active');
  await row.switch.click();
  await held.untilOneArrived();
  await expect(row.status).toHaveText('Deactivating…');
  await expect(row.switch).toBeChecked();
  await expect(row.switch).toHaveAttribute('aria-busy', 'true');
  expect(await ping(server, token)).toEqual(PONG);
  await held.release();
  await expect(row.status).toHaveText('Inactive');
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });
  await expect(row.switch).not.toBeChecked();
  await expect(row.switch).not.toHaveAttribute('aria-busy');
  await expect(new Frame(page).confirmations).toContainText(`Token ${previewOf(token)} is inactive`);
});

test('likewise the row says Activating…, then Active', async ({ page, server, token, row }) => {
  await elsewhere(server, 'deactivate', previewOf(token));
  await page.reload();
  await expect(row.status).toHaveText('Inactive');
  await expect(page.locator('html[data-hydrated]')).toBeAttached();
  const held = await HeldRequests.of(page, 'set-token-active');
  await row.switch.click();
  await held.untilOneArrived();
  await expect(row.status).toHaveText('Activating…');
  await expect(row.switch).not.toBeChecked();
  await expect(row.switch).toHaveAttribute('aria-busy', 'true');
  await held.release();
  await expect(row.status).toHaveText('Active');
  await expect(row.switch).toBeChecked();
  await expect(new Frame(page).confirmations).toContainText(`Token ${previewOf(token)} is active`);
  expect(await ping(server, token)).toEqual(PONG);
});

test('while it runs, further clicks ask for nothing', async ({ page, server, row }) => {
  const held = await HeldRequests.of(page, 'set-token-active');
  await row.switch.dblclick();
  await held.untilOneArrived();
  await row.switch.click({ force: true });
  await page.keyboard.press('Space');
  await expect(row.switch).toBeChecked();
  await held.release();
  await expect(row.status).toHaveText('Inactive');
  expect(held.count).toBe(1);
  expect((await listTokens(server))[0]?.status).toBe('inactive');
});

test('deactivating asks nothing: it can be taken back', async ({ page, row }) => {
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
});

test('a failure puts the switch back and says why', async ({
  page,
  server,
  token,
  row,
  collector,
}) => {
  collector.allow(failedToLoad(503));
  const frame = new Frame(page);
  const mend = await answerUnavailable(page, 'set-token-active');
  await row.switch.click();
  await expect(frame.failures).toContainText(previewOf(token));
  await expect(frame.failures).toContainText(/Nothing was changed/);
  await expect(row.status).toHaveText('Active');
  await expect(row.switch).toBeChecked();
  await expect(row.switch).not.toHaveAttribute('aria-busy');
  await expect(frame.confirmations).toHaveCount(0);
  expect(await ping(server, token)).toEqual(PONG);

  await mend();
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
});

test('a connection that broke half-way is named, and promises nothing', async ({
  page,
  row,
  collector,
}) => {
  collector.allow(CONNECTION_FAILED);
  await breakConnection(page, 'set-token-active');
  await row.switch.click();
  await expect(new Frame(page).failures).toContainText(/could not be reached/);
  await expect(row.status).toHaveText('Active');
  await expect(row.switch).toBeChecked();
});

test('offline it says so, and works again once the connection is back', async ({
  page,
  context,
  row,
  collector,
}) => {
  collector.allow(CONNECTION_FAILED);
  await context.setOffline(true);
  await row.switch.click();
  await expect(new Frame(page).failures).toContainText(/Check your connection/);
  await expect(row.status).toHaveText('Active');
  await context.setOffline(false);
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
});

test('a message about a failure stays until it is put away', async ({ page, row, collector }) => {
  collector.allow(failedToLoad(503));
  const { failures } = new Frame(page);
  await answerUnavailable(page, 'set-token-active');
  await row.switch.click();
  await expect(failures).toBeVisible();
  await failures.getByRole('button', { name: 'Dismiss message' }).click();
  await expect(failures).toHaveCount(0);
});

test('a change whose page is left before the answer is made all the same', async ({
  page,
  server,
  row,
  token,
}) => {
  const frame = new Frame(page);
  const sent = page.waitForRequest('**/set-token-active');
  await row.switch.click();
  await sent;
  await frame.events.click();
  await expect(new EventsPage(page).heading).toBeVisible();
  await frame.developerZone.click();
  await expect(row.status).toHaveText('Inactive');
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });
});

test('two tokens can be switched at once', async ({ page, server, row, token }) => {
  const other = await createToken(server);
  await page.reload();
  await expect(page.locator('html[data-hydrated]')).toBeAttached();
  const second = new DeveloperZone(page).row(previewOf(other));
  const held = await HeldRequests.of(page, 'set-token-active');
  await row.switch.click();
  await second.switch.click();
  await expect(row.status).toHaveText('Deactivating…');
  await expect(second.status).toHaveText('Deactivating…');
  await held.release();
  await expect(row.status).toHaveText('Inactive');
  await expect(second.status).toHaveText('Inactive');
  const refused = { status: 403, code: 'token_inactive' };
  expect(refusal(await ping(server, token))).toEqual(refused);
  expect(refusal(await ping(server, other))).toEqual(refused);
});
