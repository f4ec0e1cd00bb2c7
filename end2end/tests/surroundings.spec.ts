// Browsers with unusual settings, documents that proxies and extensions have changed, and scripts that do not arrive:
// every page's buttons work.

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
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
import { expect, test, waitForHydration } from '../support/fixtures.ts';
import { isNightly } from '../support/nightly.ts';
import type { PageErrors } from '../support/page-errors.ts';
import { failedToLoad } from '../support/requests.ts';
import type { TestServer } from '../support/server.ts';
import { createTokens, listTokens } from '../support/tokens.ts';
import { visitAll, visitSome } from '../support/visits.ts';

test.use({ permissions: ['clipboard-write'] });

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

async function prepare(server: TestServer, pageErrors: PageErrors): Promise<void> {
  await createTokens(server, 2);
  // The page may ask for news between the end of the session and the next page.
  pageErrors.allow(failedToLoad(401));
}

test('each page’s buttons work and times are shown with each value of the browser’s language', async ({
  page,
  pageErrors,
  server,
}) => {
  await prepare(server, pageErrors);
  for (const [i, language] of LANGUAGES.entries()) {
    await page.addInitScript(`Object.defineProperty(Navigator.prototype, 'language', {
      configurable: true, get: () => (${JSON.stringify(language)}) })`);
    await test.step(`${JSON.stringify(language)}`, () => visitSome(page, server, i));
  }
  await expect(page.locator('html')).not.toHaveAttribute('data-failed');
});

test('each page’s buttons work on pages that a proxy has changed', async ({ openContext, pageErrors, server }) => {
  await prepare(server, pageErrors);
  const all = (html: string) => withoutEmails(withoutSpaceBetweenTags(withoutComments(html)));
  const alone = isNightly() ? { withoutComments, withoutSpaceBetweenTags, withoutEmails } : {};
  for (const [name, change] of Object.entries({ ...alone, all })) {
    await test.step(name, async () => {
      const context = await openContext();
      const page = await context.newPage();
      await changeHtml(page, change);
      await visitAll(page, server);
      await context.close();
    });
  }
});

test('each page’s buttons work on pages that extensions change, before and after the islands take over', async ({
  openContext,
  pageErrors,
  server,
}) => {
  await prepare(server, pageErrors);
  // The policy of the page refuses the style that `decorate` adds.
  pageErrors.allow(/style-src/);
  const alone = isNightly() ? [[translate], [decorate], [removeRow]] : [];
  for (const [extensions, moment] of combinations(
    [...alone, [translate, decorate, removeRow], [removeSwitcher]],
    ['DOMContentLoaded', 'load'],
  )) {
    if (extensions.includes(removeSwitcher)) {
      pageErrors.allow(/RuntimeError|panicked/);
    }
    await test.step(`${extensions.map(({ name }) => name)} at ${moment}`, async () => {
      const context = await openContext();
      const page = await context.newPage();
      for (const extension of extensions) {
        // The page waits for this event before it hydrates.
        await page.addInitScript(`addEventListener(${JSON.stringify(moment)}, ${extension})`);
      }
      await visitAll(page, server);
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
  expect(await listTokens(server)).toEqual([]);
});

test('each page’s buttons work while script, WASM or both are missing, cut off or replaced by HTML', async ({
  context,
  pageErrors,
  server,
}) => {
  pageErrors.allow(/./);
  await prepare(server, pageErrors);
  const files = [/\.wasm$/, /\/assets\/[^.]*\.[^.]*\.js$/, /\/assets\/.*\.(js|wasm)$/];
  const fates = files.flatMap((file) => ['HTML', 'cut off', 'missing'].map((fate) => [file, fate] as const));
  for (const [i, [file, fate]] of fates.entries()) {
    await test.step(`${file} ${fate}`, async () => {
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
      await visitSome(page, server, i);
      await page.close();
    });
  }
});

test('each page’s buttons work without script, beside cookies of other programs', async ({
  openContext,
  pageErrors,
  server,
}) => {
  await prepare(server, pageErrors);
  for (const javaScriptEnabled of isNightly() ? [true, false] : [false]) {
    const context = await openContext({ javaScriptEnabled });
    const domain = new URL(server.url).hostname;
    await context.addCookies(FOREIGN_COOKIES.map((cookie) => ({ domain, path: '/', ...cookie })));
    await visitAll(await context.newPage(), server);
    await context.close();
  }
});
