// Browsers with unusual settings, documents that proxies and extensions have changed, and scripts that do not arrive:
// the buttons work.

import type { Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER, SESSION_COOKIE } from '../support/demo.ts';
import {
  changeHtml,
  decorate,
  removeSwitcher,
  removeRow,
  translate,
  withoutComments,
  withoutEmails,
  withoutSpaceBetweenTags,
} from '../support/extensions.ts';
import { expect, signIn as signInBy, test, waitForHydration } from '../support/fixtures.ts';
import { isNightly } from '../support/nightly.ts';
import type { TestServer } from '../support/server.ts';
import { createToken, createTokens, listTokens } from '../support/tokens.ts';

/** Values of `navigator.language` in the wild: POSIX names, names of no language, and what extensions set. */
const LANGUAGES: unknown[] = [
  ...['en-US@posix', 'C', 'C.UTF-8', 'en_US', 'de_DE.UTF-8@euro', '', ' ', '*', 'en-', 'x', 'i-default', 'und', 'Zürich'],
  ...['zh-Hant-TW-u-ca-roc', 'ar-EG', '\u0000', undefined, null, 42, true, {}, []],
];

/** Cookies of other programs on this host: bytes outside ASCII, odd punctuation, names of ours, and one of ours. */
const FOREIGN_COOKIES: { name: string; value: string; path?: string }[] = [
  { name: 'city', value: 'Zürich' },
  { name: '名前', value: '値' },
  { name: 'empty', value: '' },
  { name: 'quoted', value: '"a b"' },
  { name: 'comma', value: '1,2' },
  { name: 'equals', value: 'a=b==' },
  { name: 'long', value: 'x'.repeat(3_000) },
  { name: 'session', value: 'of another program' },
  { name: SESSION_COOKIE, value: 'Zürich', path: '/developer-zone' },
  { name: SESSION_COOKIE, value: 'of another program', path: '/api' },
];

/** In the nightly run, each of the first with each of the second. Otherwise each of the first once. */
function combinations<A, B>(first: A[], second: readonly B[]): [A, B][] {
  return first.flatMap((one, i) =>
    second.filter((_, j) => isNightly() || i % second.length === j).map((other): [A, B] => [one, other]),
  );
}

/** Creates, deactivates and deletes a token, in dialogs or with the forms that need no script. */
async function useButtons(page: Page, server: TestServer): Promise<void> {
  const zone = new DeveloperZonePage(page);
  const { dialog, field, done } = zone.newToken;
  const before = (await listTokens(server)).length;
  await page.goto('/developer-zone');
  await expect(page.locator('html:is([data-hydrated], [data-failed])')).toBeAttached();
  await zone.createToken.click();
  const form = page.locator('main form', { hasText: 'Name' }).getByRole('button', { name: 'Create Token' });
  await zone.createDialog.create.or(form).click();
  const plainField = page.getByRole('textbox', { name: /^API token/ });
  await expect(field.or(plainField)).toHaveValue(/^[0-9A-Za-z]{46}$/);
  const preview = previewOf(await field.or(plainField).inputValue());
  await done.or(page.getByRole('main').getByRole('link', { name: 'Done' })).click();
  await expect(dialog).toBeHidden();

  const row = zone.row(preview);
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  await expect(row.switch).not.toBeChecked();
  expect((await listTokens(server)).find(({ token }) => token === preview)?.status).toBe('inactive');

  await row.delete.click();
  const permanently = page.getByRole('button', { name: 'Delete permanently' });
  await zone.deleteDialog.delete.or(permanently).click();
  await expect(page.getByRole('status').filter({ hasText: `${preview} was deleted` })).toBeVisible();
  await expect(row.row).toHaveCount(0);
  expect(await listTokens(server)).toHaveLength(before);
}

test('the switch works and times are shown with each value of the browser’s language', async ({
  page,
  server,
  signIn,
}) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  const row = zone.row(preview);
  await signIn(MEMBER);
  for (const language of LANGUAGES) {
    await test.step(`${JSON.stringify(language)}`, async () => {
      const script = `Object.defineProperty(Navigator.prototype, 'language', {
        configurable: true, get: () => (${JSON.stringify(language)}) })`;
      await page.addInitScript(script);
      await zone.open();
      await expect(row.cells.nth(3)).toHaveText(/\p{Nd}/u);
      const wanted = (await row.switch.isChecked()) ? 'Inactive' : 'Active';
      await row.switch.click();
      await expect(row.status).toHaveText(wanted);
      await expect(zone.createDialog.dialog).toBeHidden();
      await zone.createToken.click();
      await expect(zone.createDialog.dialog).toBeVisible();
    });
  }
});

test('signing in, creating, deactivating and deleting work beside cookies of other programs', async ({
  context,
  page,
  server,
}) => {
  const domain = new URL(server.url).hostname;
  await context.addCookies(FOREIGN_COOKIES.map((cookie) => ({ domain, path: '/', ...cookie })));
  await page.goto(SignInPage.path());
  await new SignInPage(page).signIn(MEMBER);
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeAttached();
  await useButtons(page, server);
});

test('creating, deactivating and deleting work on pages that a proxy has changed', async ({
  openContext,
  pageErrors,
  server,
}) => {
  await createTokens(server, 2);
  for (const [name, change] of Object.entries({
    withoutComments,
    withoutSpaceBetweenTags,
    withoutEmails,
    all: (html: string) => withoutEmails(withoutSpaceBetweenTags(withoutComments(html))),
  })) {
    await test.step(name, async () => {
      const context = await openContext();
      await signInBy(context.request, MEMBER);
      const page = await context.newPage();
      await changeHtml(page, change);
      await useButtons(page, server);
      await context.close();
    });
  }
  // The islands have taken over.
  expect(pageErrors.seen).toEqual([]);
});

test('creating, deactivating and deleting work on pages that extensions change, before and after the islands take over', async ({
  openContext,
  pageErrors,
  server,
}) => {
  await createTokens(server, 2);
  // The policy of the page refuses the style that `decorate` adds.
  pageErrors.allow(/style-src/);
  for (const [extension, moment] of combinations(
    [translate, decorate, removeRow, removeSwitcher],
    ['DOMContentLoaded', 'load'],
  )) {
    if (extension === removeSwitcher) {
      pageErrors.allow(/RuntimeError|panicked/);
    }
    await test.step(`${extension.name} at ${moment}`, async () => {
      const context = await openContext();
      await signInBy(context.request, MEMBER);
      const page = await context.newPage();
      // The page waits for this event before it hydrates.
      await page.addInitScript(`addEventListener(${JSON.stringify(moment)}, ${extension})`);
      await useButtons(page, server);
      await context.close();
    });
  }
});

test('what the page changes is seen on a page that was translated meanwhile', async ({ page, server, signIn }) => {
  const [first, second] = (await createTokens(server, 2)).map(previewOf);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await page.evaluate(translate);
  await expect(zone.row(first!).status.locator('font')).not.toHaveCount(0);

  await server.cli('token', 'deactivate', '--organisation', '903', `${(await listTokens(server))[1]!.id}`);
  await expect(zone.row(first!).status).toHaveText('Inactive');
  await zone.menu.click();
  await expect(zone.deactivateAll).toContainText('1 active');
  await zone.deactivateAll.click();
  await expect(zone.deactivateAllDialog.dialog).toContainText('Deactivate 1 token?');
  await zone.deactivateAllDialog.cancel.click();
  await zone.row(second!).delete.click();
  await expect(zone.deleteDialog.dialog).toContainText(`Token ${second} will be permanently deleted.`);
  await zone.deleteDialog.delete.click();
  await expect(zone.count(1)).toBeVisible();
  await expect(page.locator('.token-preview font, [translate=no] font')).toHaveCount(0);
});

test('after a failure of the script, its dialogs and forms are bypassed', async ({ page, pageErrors, server, signIn }) => {
  pageErrors.allow(/^page error: RuntimeError/);
  await signIn(MEMBER);
  await useButtons(page, server);
  await createToken(server);
  const zone = new DeveloperZonePage(page);
  await zone.open();
  await zone.createToken.click();
  await page.evaluate(() => {
    setTimeout(() => {
      throw new WebAssembly.RuntimeError('unreachable');
    });
  });
  await expect(page.locator('html[data-failed]')).toBeAttached();
  // A form that only the script can send.
  const reloaded = page.waitForEvent('load');
  await zone.createDialog.create.click();
  await reloaded;
  await waitForHydration(page);
  expect(await listTokens(server)).toHaveLength(1);
});

test('creating, deactivating and deleting work while script, WASM or both are missing, cut off or replaced by HTML', async ({
  openContext,
  pageErrors,
  server,
}) => {
  pageErrors.allow(/./);
  const files = { wasm: /\.wasm$/, script: /\/assets\/[^.]*\.[^.]*\.js$/, both: /\/assets\/.*\.(js|wasm)$/ };
  const context = await openContext();
  await signInBy(context.request, MEMBER);
  for (const [[name, file], fate] of combinations(Object.entries(files), ['HTML', 'cut off', 'missing'])) {
    await test.step(`${name}: ${fate}`, async () => {
      const page = await context.newPage();
      await page.route(file, async (route) => {
        if (fate === 'cut off') {
          const response = await route.fetch();
          const body = await response.body();
          return route.fulfill({ response, body: body.subarray(0, body.length / 2) });
        }
        const status = fate === 'missing' ? 404 : 200;
        await route.fulfill({ status, contentType: 'text/html', body: '<!DOCTYPE html><p>Sign in to the network' });
      });
      await useButtons(page, server);
      await page.close();
    });
  }
});
