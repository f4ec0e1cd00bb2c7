// The maximum size of a first visit, for a reader on a phone with a slow connection.

import { DeveloperZonePage } from '../pages/developer-zone.ts';
import { DOCUMENTATION } from '../pages/documentation.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, signIn, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';
import { filesLoadedBy, type LoadedFile } from '../support/traffic.ts';

const KIB = 1024;
/** What the first paint needs: the HTML, with the style in it or beside it. */
const FIRST_PAINT = 24 * KIB;
const CODE = 150 * KIB;

/** Each page, and a text that its HTML must contain before anything else is loaded. */
const PAGES = [
  ['/sign-in', 'name="password"'],
  ['/', 'Three steps to your first call'],
  ['/forgotten-password', 'Back to sign in'],
  ['/events', 'Showing 1 to 30 of 87 events'],
  ['/developer-zone', 'Admin API Tokens'],
  ['/developer-zone/activity', 'created token'],
  ['/developer-zone/tokens/deactivate-all', 'Deactivate 1 token?'],
  ['/account', 'This browser'],
  ...DOCUMENTATION.map(({ path, heading }) => [path, heading] as const),
] as const;

/** The files with these endings. The resource type does not help, because scripts load WASM like any other data. */
const withEnding = (files: LoadedFile[], ...endings: string[]) =>
  files.filter(({ url }) => endings.some((ending) => new URL(url).pathname.endsWith(`.${ending}`)));

const sum = (files: LoadedFile[]) => files.reduce((bytes, file) => bytes + file.bytes, 0);

test('each page is complete in its HTML, paints after at most 24 KiB, loads at most 150 KiB of code, and no font', async ({
  openContext,
  server,
}) => {
  await createToken(server);
  for (const [path, content] of PAGES) {
    await test.step(path, async () => {
      // A browser of its own, with an empty cache.
      const context = await openContext();
      const isPublic = ['/sign-in', '/forgotten-password'].includes(path);
      if (!isPublic) {
        await signIn(context.request, MEMBER);
      }
      const html = await (await context.request.get(path)).text();
      expect.soft(html).toContain(content);
      // The `pageErrors` fixture fails the test for files from other origins.
      const loaded = await filesLoadedBy(await context.newPage(), path);
      await context.close();
      expect.soft(loaded.filter(({ type }) => type === 'font')).toEqual([]);
      const document = loaded.filter(({ type }) => type === 'document');
      expect.soft(document.map(({ headers }) => headers['content-encoding'])).toEqual([expect.any(String)]);
      const styles = withEnding(loaded, 'css');
      // The pages of the dashboard have their style in them.
      expect.soft(styles).toHaveLength(path.startsWith('/docs') ? 1 : 0);
      expect.soft(sum([...document, ...styles])).toBeLessThanOrEqual(FIRST_PAINT);
      expect.soft(sum(withEnding(loaded, 'wasm', 'js'))).toBeLessThanOrEqual(isPublic ? 0 : CODE);
      for (const { url, headers } of withEnding(loaded, 'css', 'js', 'wasm')) {
        expect.soft(headers['content-encoding'], url).toBe('br');
        expect.soft(headers['cache-control'], url).toBe('public, max-age=31536000, immutable, no-transform');
      }
    });
  }
});

test('the browser loads files with a permanent name once', async ({ page, signIn }) => {
  /** The bytes of each file that came over the network; 0 for files from the browser's cache. */
  const transferred = () =>
    page.evaluate(() =>
      (performance.getEntriesByType('resource') as PerformanceResourceTiming[])
        .filter(({ name }) => /\.(css|js|wasm)$/.test(name))
        .map(({ transferSize }) => transferSize),
    );
  await signIn(MEMBER);
  await page.goto('/developer-zone', { waitUntil: 'networkidle' });
  expect(Math.min(...(await transferred()))).toBeGreaterThan(0);
  await page.goto('/events', { waitUntil: 'networkidle' });
  expect(Math.max(...(await transferred()))).toBe(0);
});

test('the code of the dialogs is loaded when the focus comes to the card, and again after a failure', async ({
  page,
  pageErrors,
  signIn,
}) => {
  const DIALOGS = '**/split_dialogs*.wasm';
  pageErrors.allow(/Failed to load resource/, /Failed to fetch/);
  await signIn(MEMBER);
  const zone = new DeveloperZonePage(page);
  let requests = 0;
  await page.route(DIALOGS, (route) => {
    requests += 1;
    return route.abort();
  });
  await zone.open();
  await page.waitForLoadState('networkidle');
  expect(requests).toBe(0);
  await zone.createToken.focus();
  await expect.poll(() => requests).toBeGreaterThan(0);
  await zone.createToken.press('Enter');
  const message = 'The server could not be reached. Check your connection, then try again.';
  await expect(page.getByRole('alert').getByText(message)).toBeVisible();
  await page.unroute(DIALOGS);
  await zone.createToken.press('Enter');
  await expect(zone.createDialog.name).toBeFocused();
});
