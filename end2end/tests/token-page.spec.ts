import { previewOf } from '../pages/developer-zone.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { EVENT, MEMBER, PASSWORD, SUMMIT } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

import type { Page } from '@playwright/test';
import type { Server } from '../support/server.ts';

async function openToken(page: Page, server: Server): Promise<string> {
  const token = await createToken(server);
  const [listed] = await listTokens(server);
  await page.goto(`/developer-zone/tokens/${listed!.id}`);
  return token;
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with script' : 'without script', () => {
    test.use({ javaScriptEnabled });

    test('a token is named, paused, resumed and deleted by plain forms', async ({
      collector,
      page,
      server,
      signIn,
    }) => {
      await signIn(MEMBER);
      const preview = previewOf(await openToken(page, server));
      const said = page.locator('#said');
      await expect(page).toHaveTitle(`Token ${preview} · 9Pic`);
      await expect(page.getByText('No calls in the last 7 days.')).toBeVisible();

      await page.getByLabel('Name', { exact: true }).fill('  Website gallery ');
      await page.getByRole('button', { name: 'Save name' }).click();
      await expect(said).toHaveText('The name was changed.');
      await expect(said).toBeFocused();
      await expect(page.getByRole('heading', { name: 'Website gallery' })).toBeVisible();

      await page.getByLabel('Name', { exact: true }).fill('x'.repeat(61));
      await page.getByRole('button', { name: 'Save name' }).click();
      await expect(said).toHaveText('The name is too long. Use at most 60 characters.');
      await expect(page.getByLabel('Name', { exact: true })).toHaveValue('x'.repeat(61));

      await page.getByRole('button', { name: 'Deactivate' }).click();
      await expect(said).toContainText(/^Token Website gallery \(.{5}\*{3}\) is inactive\. No server has accepted it since/);
      expect((await listTokens(server))[0]).toMatchObject({ name: 'Website gallery', status: 'inactive' });
      await page.getByRole('button', { name: 'Activate' }).click();
      await expect(said).toHaveText(/^Token Website gallery \(.{5}\*{3}\) is active\.$/);

      await page.getByText('Delete token…').click();
      await page.getByRole('button', { name: 'Delete for good' }).click();
      await expect(page).toHaveURL('/developer-zone');
      expect(await listTokens(server)).toEqual([]);
      collector.allow(failedToLoad(404));
      const gone = await page.goBack();
      expect(gone?.status()).toBe(404);
      await expect(page.getByRole('heading', { name: 'Token not found' })).toBeVisible();
    });
  });
}

test('calls and refusals of the token are shown in figures, with what to do about them', async ({
  page,
  server,
  signIn,
}) => {
  await signIn(MEMBER);
  const token = await openToken(page, server);
  const call = (path: string) =>
    page.request.get(`/api/v1/ext/${path}`, { headers: { 'X-API-Key': token } });
  for (const path of [`${SUMMIT}/event/${EVENT}/ping`, `${SUMMIT}/events`, '904/events']) {
    await call(path);
  }
  const chart = page.getByRole('img', { name: /^Calls by hour/ });
  await expect(async () => {
    await page.reload();
    await expect(chart).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await expect(chart).toHaveAccessibleName(/Last 7 days: 2 calls accepted, 1 refused/);
  await page.getByText('The figures as a table').click();
  await expect(page.getByRole('table', { name: /^Calls by hour/ })).toBeVisible();
  const refusal = page.getByRole('row', { name: /organisation_mismatch/ });
  await expect(refusal).toContainText('Use the ID of the token’s own organisation in the address.');
  await expectAccessible(page);
  await page.getByText('Delete token…').click();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Activity of this token' }).click();
  await expect(page).toHaveURL(/\/developer-zone\/activity\?token=\d+$/);
});

test.describe('where the password is asked each time', () => {
  test.use({ javaScriptEnabled: false, serverOptions: { args: ['--confirm-password-after', '0'] } });

  test('a deletion asks for it in its form, which stays open until it is right', async ({
    page,
    server,
    signIn,
  }) => {
    await signIn(MEMBER);
    await openToken(page, server);
    await page.getByText('Delete token…').click();
    const password = page.getByLabel('Your password, to delete the token');
    await password.fill('not the password');
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await expect(page.locator('#said')).toHaveText(/Incorrect password/);
    expect(await listTokens(server)).toHaveLength(1);
    await password.fill(PASSWORD);
    await page.getByRole('button', { name: 'Delete for good' }).click();
    await expect(page).toHaveURL('/developer-zone');
    expect(await listTokens(server)).toEqual([]);
  });
});
