import { DeveloperZonePage, previewOf, type TokenRow } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { ADMIN, MEMBER } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, signIn as postSignIn, test as base, waitForHydration } from '../support/fixtures.ts';
import {
  blockPolling,
  respondBadGateway,
  respondUnavailable,
  breakConnection,
  CONNECTION_FAILED,
  failedToLoad,
  HeldRequests,
} from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

/** An active token, and its row on the open page. */
const test = base.extend<{ token: string; row: TokenRow }>({
  token: async ({ server }, use) => use(await createToken(server)),
  row: async ({ page, signIn, token }, use) => {
    const zone = new DeveloperZonePage(page);
    await signIn(MEMBER);
    await zone.open();
    await use(zone.row(previewOf(token)));
  },
});

test('the row claims a change only after the server made it, in both directions; further clicks send nothing', async ({
  page,
  server,
  token,
  row,
}) => {
  const { confirmations } = new Frame(page);
  let held = await HeldRequests.of(page, 'deactivate-token');
  await row.switch.dblclick();
  await held.untilOneArrived();
  await expect(row.status).toHaveText('Deactivating…');
  await expect(row.switch).toBeChecked();
  await expect(row.switch).toHaveAttribute('aria-busy', 'true');
  await expect(page.getByRole('dialog'), 'it asks nothing, because it can be undone').toHaveCount(0);
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
  await row.switch.click({ force: true });
  await page.keyboard.press('Space');
  await expect(row.switch).toBeChecked();
  expect(await ping(server, token)).toEqual(PONG);
  await held.release();
  await expect(row.status).toHaveText('Inactive');
  expect(held.count).toBe(1);
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });
  expect((await listTokens(server))[0]?.status).toBe('inactive');
  await expect(row.switch).not.toBeChecked();
  await expect(row.switch).not.toHaveAttribute('aria-busy');
  await expect(confirmations).toContainText(`Token ${previewOf(token)} is inactive`);

  held = await HeldRequests.of(page, 'activate-token');
  await row.switch.click();
  await held.untilOneArrived();
  await expect(row.status).toHaveText('Activating…');
  await expect(row.switch).not.toBeChecked();
  await expect(row.switch).toHaveAttribute('aria-busy', 'true');
  await held.release();
  await expect(row.status).toHaveText('Active');
  await expect(row.switch).toBeChecked();
  await expect(confirmations).toContainText(`Token ${previewOf(token)} is active`);
  expect(await ping(server, token)).toEqual(PONG);
});

test('a failure resets the switch and shows the reason until it is dismissed; afterwards the switch works', async ({
  page,
  context,
  server,
  token,
  row,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(503), CONNECTION_FAILED);
  const { confirmations, failures } = new Frame(page);
  const goOffline = async () => {
    await context.setOffline(true);
    return () => context.setOffline(false);
  };
  for (const [cause, fail, reason] of [
    ['no database', () => respondUnavailable(page, 'deactivate-token'), /Nothing was changed/],
    ['a broken connection', () => breakConnection(page, 'deactivate-token'), /could not be reached/],
    ['offline', goOffline, /Check your connection/],
  ] as const) {
    await test.step(cause, async () => {
      const restore = await fail();
      await row.switch.click();
      await expect(failures).toContainText(previewOf(token));
      await expect(failures).toContainText(reason);
      await expect(row.status).toHaveText('Active');
      await expect(row.switch).toBeChecked();
      await expect(row.switch).not.toHaveAttribute('aria-busy');
      await expect(confirmations).toHaveCount(0);
      expect(await ping(server, token)).toEqual(PONG);
      await failures.getByRole('button', { name: 'Dismiss message' }).click();
      await expect(failures).toHaveCount(0);
      await restore();
    });
  }
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
});

test('the message about a failure goes when the change succeeds, or when the server can be reached again', async ({
  page,
  context,
  row,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(503), CONNECTION_FAILED);
  const { failures } = new Frame(page);
  const restore = await respondUnavailable(page, 'deactivate-token');
  await row.switch.click();
  await expect(failures).toContainText(/Nothing was changed/);
  await restore();
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  await expect(failures).toHaveCount(0);

  await context.setOffline(true);
  await row.switch.click();
  await expect(failures).toContainText(/Check your connection/);
  await expect(page.getByText('may not be up to date'), 'polls fail, too').toBeVisible();
  await context.setOffline(false);
  await expect(failures).toHaveCount(0);
});

test('after a page of a proxy the row shows what the server did', async ({ page, row, pageErrors }) => {
  pageErrors.allow(failedToLoad(502));
  await blockPolling(page);
  await respondBadGateway(page, 'deactivate-token');
  await row.switch.click();
  await expect(new Frame(page).failures).toContainText('The change may have been made');
  await expect(row.status).toHaveText('Inactive');
});

test('a page changes nothing after another user has signed in, in another tab', async ({
  page,
  context,
  server,
  row,
  token,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(409));
  await blockPolling(page);
  await postSignIn(context.request, ADMIN, 903);
  await row.switch.click();
  await expect(new Frame(page).failures).toContainText('Another user has signed in in this browser.');
  await expect(row.status).toHaveText('Active');
  expect(await ping(server, token)).toEqual(PONG);
});

test('a change is made even if its page is left before the response', async ({ page, server, row, token }) => {
  const frame = new Frame(page);
  const sent = page.waitForRequest('**/deactivate-token*');
  await row.switch.click();
  await sent;
  await frame.events.click();
  await expect(new EventsPage(page).heading).toBeVisible();
  await frame.developerZone.click();
  await expect(row.status).toHaveText('Inactive');
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });
});

test('two tokens can be switched at the same time', async ({ page, server, row, token }) => {
  const other = await createToken(server);
  await page.reload();
  await waitForHydration(page);
  const otherRow = new DeveloperZonePage(page).row(previewOf(other));
  const held = await HeldRequests.of(page, 'deactivate-token');
  await row.switch.click();
  await otherRow.switch.click();
  await expect(row.status).toHaveText('Deactivating…');
  await expect(otherRow.status).toHaveText('Deactivating…');
  await held.release();
  await expect(row.status).toHaveText('Inactive');
  await expect(otherRow.status).toHaveText('Inactive');
  const refused = { status: 403, code: 'token_inactive' };
  expect(refusal(await ping(server, token))).toEqual(refused);
  expect(refusal(await ping(server, other))).toEqual(refused);
});
