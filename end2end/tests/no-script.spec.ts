// Creating a token without script, on a page of its own.

import { previewOf } from '../pages/developer-zone.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { EVENT, MEMBER, PASSWORD, SUMMIT } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { createTokens, listTokens } from '../support/tokens.ts';

const PATH = '/developer-zone/tokens/new';

test.use({ javaScriptEnabled: false });

test('the form creates a token and shows it once, never creates a second one, and says when the limit is reached', async ({
  pageErrors,
  page,
  server,
  signIn,
}) => {
  const name = page.getByLabel('Name', { exact: true });
  const create = page.getByRole('button', { name: 'Create Token' });
  await signIn(MEMBER);
  await page.goto(PATH);
  await expect(page).toHaveTitle('Create API token · 9Pic');
  await name.fill('Website gallery');
  await create.click();

  await expect(page).toHaveTitle('Your new API token · 9Pic');
  await expect(page.getByRole('main')).toMatchAriaSnapshot(`
    - navigation "Breadcrumb":
      - list:
        - listitem:
          - link "Developer Zone"
        - listitem:
          - link "API tokens"
        - listitem: Website gallery
    - navigation "Developer Zone":
      - link "API tokens"
      - link "Activity"
    - region "Your new API token":
      - heading "Your new API token" [level=1]
      - paragraph: /^.{5}\\*{3} · Summit Races \\(903\\)$/
  `);
  const item = page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Developer Zone' });
  await expect(item).toHaveAttribute('aria-current', 'page');
  const field = page.getByRole('status', { name: 'API token for Website gallery' });
  await expect(field).toBeFocused();
  await expect(field, 'one click selects all of it').toHaveCSS('user-select', 'all');
  const token = (await field.innerText()).trim();
  expect(token).toMatch(/^[0-9A-Za-z]{46}$/);
  await expect(page.getByText('Copy the token now.')).toBeVisible();
  await expect(page.getByRole('link', { name: /Examples in cURL/ })).toBeVisible();
  expect(page.url(), 'no token in the address').not.toContain(token.slice(0, 6));
  const ping = await page.request.get(`/api/v1/ext/${SUMMIT}/event/${EVENT}/ping`, {
    headers: { 'X-API-Key': token },
  });
  expect(ping.status()).toBe(200);

  pageErrors.allow(failedToLoad(409));
  const again = await page.reload();
  expect(again?.status()).toBe(409);
  await expect(page.getByRole('heading', { name: 'This form was used already' })).toBeVisible();
  expect(await page.content()).not.toContain(token.slice(0, 6));
  const [listed, ...others] = await listTokens(server);
  expect(others).toEqual([]);
  expect(listed).toMatchObject({ name: 'Website gallery', token: previewOf(token) });

  await page.getByRole('link', { name: 'Create another token' }).click();
  await create.click();
  await expect(page.getByRole('status', { name: 'API token' })).not.toContainText(token);
  expect(await listTokens(server)).toHaveLength(2);

  await page.goto(PATH);
  await createTokens(server, 8);
  await name.fill('One too many');
  await create.click();
  await expect(page.locator('#flash-message')).toContainText('You have reached the limit of 10 tokens.');
  await expect(page.locator('#flash-message')).toBeFocused();
  await expect(name).toHaveValue('One too many');
});

test.describe('if the server always asks for the password', () => {
  test.use({ serverOptions: { args: ['--confirm-password-after', '0'] } });

  test('the form has a field for it and refuses a wrong one', async ({ page, server, signIn }) => {
    await signIn(MEMBER);
    await page.goto(PATH);
    const password = page.getByLabel('Your password, to create the token');
    await password.fill('not the password');
    await page.getByRole('button', { name: 'Create Token' }).click();
    await expect(page.locator('#flash-message')).toContainText('Incorrect password.');
    expect(await listTokens(server)).toEqual([]);
    await password.fill(PASSWORD);
    await page.getByRole('button', { name: 'Create Token' }).click();
    await expect(page).toHaveTitle('Your new API token · 9Pic');
  });
});

test.describe('with script, which axe needs', () => {
  test.use({ javaScriptEnabled: true });

  test('the form and the page with the token are accessible', async ({ page, signIn }) => {
    await signIn(MEMBER);
    await page.goto(PATH);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Create Token' }).click();
    await expect(page).toHaveTitle('Your new API token · 9Pic');
    await expectAccessible(page);
  });
});
