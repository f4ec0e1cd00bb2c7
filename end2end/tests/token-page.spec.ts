// A token's own page, which works without script.

import type { Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { EVENT, MEMBER, PASSWORD, SUMMIT } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { createToken, listTokens } from '../support/tokens.ts';

/** Creates a token and opens its page. */
async function openTokenPage(page: Page, server: TestServer): Promise<string> {
  const token = await createToken(server);
  const [listed] = await listTokens(server);
  await page.goto(`/developer-zone/tokens/${listed!.id}`);
  return token;
}

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('plain forms rename, deactivate, activate and delete the token', async ({
    pageErrors,
    page,
    server,
    signIn,
  }) => {
    await signIn(MEMBER);
    const preview = previewOf(await openTokenPage(page, server));
    const message = page.locator('#flash-message');
    const name = page.getByLabel('Name', { exact: true });
    const isActive = page.getByRole('switch', { name: /^Token .* active$/ });
    await expect(page).toHaveTitle(`Token ${preview} · 9Pic`);
    await expect(page.getByText('No calls in the last 7 days.')).toBeVisible();

    await name.fill('  Website gallery ');
    await page.getByRole('button', { name: 'Save name' }).click();
    await expect(message).toHaveText('The name was changed.');
    await expect(message).toBeFocused();
    await expect(page.getByRole('heading', { name: 'Website gallery' })).toBeVisible();

    await name.fill('x'.repeat(61));
    await page.getByRole('button', { name: 'Save name' }).click();
    await expect(message).toHaveText('The name is too long. Use at most 60 characters.');
    await expect(name).toHaveValue('x'.repeat(61));

    await expect(isActive).toBeChecked();
    await isActive.click();
    await expect(message).toContainText(/^Token .{5}\*{3} is inactive\. Deactivated everywhere at/);
    expect((await listTokens(server))[0]).toMatchObject({ name: 'Website gallery', status: 'inactive' });
    await expect(isActive).not.toBeChecked();
    await isActive.click();
    await expect(message).toHaveText(/^Token .{5}\*{3} is active\.$/);

    const tokenPage = page.url();
    await page.getByRole('link', { name: 'Delete token…' }).click();
    await expect(page.getByRole('link', { name: 'Cancel' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(tokenPage);
    await page.getByRole('link', { name: 'Delete token…' }).click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(page).toHaveURL('/developer-zone');
    expect(await listTokens(server)).toEqual([]);
    pageErrors.allow(failedToLoad(404));
    const gone = await page.goto(tokenPage);
    expect(gone?.status()).toBe(404);
    await expect(page.getByRole('heading', { name: 'Token not found' })).toBeVisible();
  });
});

test('the page is below the Developer Zone, and the question before a deletion leads back', async ({
  page,
  server,
  signIn,
}) => {
  await signIn(MEMBER);
  const preview = previewOf(await openTokenPage(page, server));
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - main:
      - navigation "Breadcrumb":
        - list:
          - listitem:
            - link "Developer Zone"
          - listitem:
            - link "API tokens"
          - listitem: /\\*{3}/
      - navigation "Developer Zone":
        - link "API tokens"
        - link "Activity"
      - heading /\\*{3}/ [level=1]
      - text: Active
      - switch /^Token .{5}\\*{3} active$/ [checked]
      - region "About this token"
      - region "Calls by hour":
        - heading "Calls by hour" [level=2]
        - navigation "Period":
          - link "24 hours"
          - link "7 days"
        - paragraph: No calls in the last 7 days.
        - paragraph: Times are in UTC.
      - region "Rename this token"
      - region "Danger zone":
        - link "Delete token…"
  `);
  const tab = page.getByRole('link', { name: 'API tokens' }).and(page.locator('.pages a'));
  await expect(tab).toHaveAttribute('aria-current', 'true');
  await page.getByRole('link', { name: 'Delete token…' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Delete API token?' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Deactivate instead' }).click();
  await expect(page.locator('#flash-message')).toContainText(`Token ${preview} is inactive.`);
  await expect(page.getByRole('switch')).not.toBeChecked();
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'API tokens' }).click();
  await expect(page).toHaveURL('/developer-zone');
});

test('the page shows the token’s calls and refusals, with what to do about each refusal', async ({
  page,
  server,
  signIn,
}) => {
  await signIn(MEMBER);
  const token = await openTokenPage(page, server);
  for (const path of [`${SUMMIT}/event/${EVENT}/ping`, `${SUMMIT}/events`, '904/events']) {
    await page.request.get(`/api/v1/ext/${path}`, { headers: { 'X-API-Key': token } });
  }
  // The server writes its counts every few seconds.
  const chart = page.getByRole('img', {
    name: /^Calls by hour.*Last 7 days: 2 calls accepted, 1 refused/,
  });
  await expect(async () => {
    await page.reload();
    expect(await chart.count()).toBe(1);
  }).toPass();
  const legend = page.getByRole('listitem').filter({ hasText: /^organisation mismatch$/ });
  await expect(legend).toBeVisible();
  await page.getByText('Show as table').click();
  await expect(page.getByRole('table', { name: /^Calls by hour/ })).toContainText('1 organisation mismatch');
  const refusal = page.getByRole('row', { name: /organisation_mismatch/ });
  await expect(refusal).toContainText('Use the ID of the token’s own organisation in the address.');
  await page.getByText('Show as table').click();

  // The arrow keys and the pointer lead through the hours, without script.
  const hours = page.getByRole('radiogroup', { name: 'Calls of one hour' });
  await hours.getByRole('radio').last().focus();
  await page.keyboard.press('Space');
  const value = hours.getByText(/: 2 accepted, 1 refused \(1 organisation mismatch\)$/);
  await expect(value).not.toHaveCSS('clip-path', 'inset(50%)');
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = page.getByRole('radiogroup', { name: 'Calls of four hours' });
  await expect(hours).toBeHidden();
  await wide.getByRole('radio').last().focus();
  await page.keyboard.press('Space');
  const sum = wide.getByText(/:00 to \d\d:\d0: 2 accepted, 1 refused \(1 organisation mismatch\)$/);
  await expect(sum).not.toHaveCSS('clip-path', 'inset(50%)');
  await expectAccessible(page);

  await page.getByRole('link', { name: '24 hours' }).click();
  await expect(page).toHaveURL(/\?hours=24#calls$/);
  await expect(page.getByRole('img', { name: /Last 24 hours: 2 calls accepted, 1 refused/ })).toBeVisible();
  await expect(page.getByRole('link', { name: '24 hours' })).toHaveAttribute('aria-current', 'true');
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Activity of this token' }).click();
  await expect(page).toHaveURL(/\/developer-zone\/activity\?token=\d+$/);
});

test.describe('if the server always asks for the password', () => {
  test.use({ javaScriptEnabled: false, serverOptions: { args: ['--confirm-password-after', '0'] } });

  test('activating has a field for it, deleting has none, and the switch in the table leads to the field', async ({
    page,
    server,
    signIn,
  }) => {
    await signIn(MEMBER);
    const preview = previewOf(await openTokenPage(page, server));
    const tokenPage = page.url();
    const password = page.getByLabel('Your password, to activate the token');
    const isActive = page.getByRole('switch', { name: /^Token .* active$/ });
    const activate = page.getByRole('button', { name: 'Activate', exact: true });
    const message = page.locator('#flash-message');
    await isActive.click();
    await expect(message).toContainText('is inactive');

    await page.goto('/developer-zone');
    await new DeveloperZonePage(page).row(preview).switch.click();
    await expect(page).toHaveURL(tokenPage);
    await expect(message).toHaveText('Confirm your password to continue.');
    await password.fill('not the password');
    await activate.click();
    await expect(message).toHaveText(/Incorrect password/);
    expect((await listTokens(server))[0]?.status).toBe('inactive');
    await password.fill(PASSWORD);
    await activate.click();
    await expect(message).toHaveText(/is active\.$/);

    await page.getByRole('link', { name: 'Delete token…' }).click();
    await expect(page.locator('input[type=password]')).toHaveCount(0);
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(page).toHaveURL('/developer-zone');
    expect(await listTokens(server)).toEqual([]);
  });
});
