// Deactivating all tokens of the organisation from the card's menu.

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, test } from '../support/fixtures.ts';
import { blockPolling, failedToLoad, HeldRequests, respondUnavailable } from '../support/requests.ts';
import { changeByCli, createToken, createTokens, listTokens } from '../support/tokens.ts';

const REFUSED = { status: 403, code: 'token_inactive' };

test('by keyboard: the menu, one question that counts them and has the focus on Cancel, one receipt, the focus back', async ({
  page,
  server,
  signIn,
}) => {
  const tokens = await createTokens(server, 3);
  await changeByCli(server, 'deactivate', previewOf(tokens[0]!));
  const zone = new DeveloperZonePage(page);
  const { dialog, deactivate, cancel } = zone.deactivateAllDialog;
  const { confirmations } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  // Long before the key that sends one: the browser may miss a request that is sent while interception begins.
  const held = await HeldRequests.of(page, 'deactivate-all-tokens');
  await zone.menu.focus();
  await page.keyboard.press('Enter');
  await expect(zone.deactivateAll).toHaveText('Deactivate all tokens…2 active');
  await expect(zone.deactivateAll).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(zone.deactivateAll).toBeHidden();
  await expect(zone.menu).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(zone.deactivateAll).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveAccessibleName('Deactivate 2 tokens?');
  await expect(dialog).toHaveAccessibleDescription(/All integrations of Summit Races lose access/);
  await expect(dialog.locator('input[type=password]')).toHaveCount(0);
  await expect(cancel).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(zone.menu, 'Cancel leads back').toBeFocused();
  expect(await ping(server, tokens[1]!)).toEqual(PONG);

  await page.keyboard.press('Enter');
  await expect(zone.deactivateAll).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(cancel).toBeFocused();
  // Another member creates one while the question is open.
  const late = await createToken(server);
  await expect(dialog).toHaveAccessibleName('Deactivate 3 tokens?');
  await page.keyboard.press('Tab');
  await expect(deactivate).toBeFocused();
  await page.keyboard.press('Enter');
  await held.untilOneArrived();
  await expect(deactivate).toHaveAttribute('aria-busy', 'true');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(dialog, 'until the response').toBeVisible();
  await expect(zone.row(previewOf(late)).status).toHaveText('Active');
  await held.release();
  await expect(confirmations).toHaveText(/^3 tokens are inactive\. Deactivated everywhere at \d\d:\d\d:\d\d\.$/);
  expect(held.count).toBe(1);
  await expect(dialog).toBeHidden();
  await expect(zone.menu).toBeFocused();
  for (const token of [...tokens, late]) {
    await expect(zone.row(previewOf(token)).status).toHaveText('Inactive');
    expect(refusal(await ping(server, token))).toEqual(REFUSED);
  }

  await page.keyboard.press('Enter');
  await expect(zone.deactivateAll).toHaveText('Deactivate all tokens…No token is active');
  await expect(zone.deactivateAll).toHaveAttribute('aria-disabled', 'true');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alertdialog')).toHaveCount(0);
});

test('the receipt counts what was done, even if others were faster; a failure says that nothing was changed', async ({
  page,
  pageErrors,
  server,
  signIn,
}) => {
  pageErrors.allow(failedToLoad(503));
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  const { dialog, deactivate } = zone.deactivateAllDialog;
  const frame = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  await blockPolling(page);
  const ask = async () => {
    await zone.menu.click();
    await zone.deactivateAll.click();
    await expect(dialog).toHaveAccessibleName('Deactivate 1 token?');
  };
  const restore = await respondUnavailable(page, 'deactivate-all-tokens');
  await ask();
  await deactivate.click();
  await expect(frame.failures).toContainText('Nothing was changed');
  await expect(dialog).toBeHidden();
  await expect(zone.row(previewOf(token)).status).toHaveText('Active');
  await restore();

  await ask();
  await changeByCli(server, 'deactivate', previewOf(token));
  await deactivate.click();
  await expect(frame.confirmations).toContainText('No token was active. Checked everywhere at');
  await expect(zone.row(previewOf(token)).status).toHaveText('Inactive');
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('the menu leads to a page with the same question, and the receipt is above the table', async ({
    page,
    server,
    signIn,
  }) => {
    await createTokens(server, 2);
    const zone = new DeveloperZonePage(page);
    await signIn(MEMBER);
    await page.goto('/developer-zone');
    await zone.menu.click();
    await zone.deactivateAll.click();
    await expect(page).toHaveTitle('Deactivate all tokens · 9Pic');
    await expect(page.getByRole('heading', { name: 'Deactivate 2 tokens?' })).toBeVisible();
    await page.getByRole('link', { name: 'Cancel' }).click();
    await expect(page).toHaveURL('/developer-zone');
    await zone.menu.click();
    await zone.deactivateAll.click();
    await page.getByRole('button', { name: 'Deactivate all' }).click();
    await expect(page).toHaveURL('/developer-zone');
    const message = page.locator('#flash-message');
    await expect(message).toHaveText(/^2 tokens are inactive\. Deactivated everywhere at .* UTC\.$/);
    await expect(message).toBeFocused();
    expect((await listTokens(server)).map(({ status }) => status)).toEqual(['inactive', 'inactive']);
  });
});

test('the page with the question is accessible, with active tokens and without', async ({ page, server, signIn }) => {
  await signIn(MEMBER);
  await page.goto('/developer-zone/tokens/deactivate-all');
  await expect(page.getByRole('heading', { name: 'No token is active' })).toBeVisible();
  await expectAccessible(page);
  await createToken(server);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Deactivate 1 token?' })).toBeVisible();
  await expectAccessible(page);
});
