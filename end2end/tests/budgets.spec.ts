import { DOCUMENTATION } from '../pages/documentation.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, signIn, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';
import { type Fetched, fetchedBy } from '../support/traffic.ts';

// What a page may cost whoever opens it for the first time, on a phone far from the server.

const KIB = 1024;
const STYLE = 12 * KIB;
const CODE = 250 * KIB;

/** Each page, and what its HTML must have in it before anything else is loaded. */
const PAGES = [
  ['/sign-in', 'name="password"'],
  ['/events', 'Showing 1 to 30 of 87 events'],
  ['/developer-zone', 'Admin API Tokens'],
  ['/developer-zone/activity', 'created token'],
  ['/account', 'This browser'],
  ...DOCUMENTATION.map(({ path, heading }) => [path, heading] as const),
] as const;

/** Those of a type, by their ending: scripts load WASM as they load anything. */
const ending = (fetched: Fetched[], ...endings: string[]) =>
  fetched.filter(({ url }) => endings.some((ending) => new URL(url).pathname.endsWith(`.${ending}`)));

const sum = (fetched: Fetched[]) => fetched.reduce((bytes, file) => bytes + file.bytes, 0);

for (const [path, content] of PAGES) {
  test(`${path} comes whole in its first answer, with a small style, no font, and files that are kept for good`, async ({
    page,
    request,
    context,
    server,
    signIn,
  }) => {
    if (path !== '/sign-in') {
      await createToken(server);
      await signIn(MEMBER);
    }
    const { cookies } = await context.storageState();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const html = await (await request.get(path, { headers: { cookie } })).text();
    expect(html).toContain(content);

    // The fixture's collector refuses what comes from elsewhere.
    const fetched = await fetchedBy(page, path);
    expect(fetched.filter(({ type }) => type === 'font')).toEqual([]);
    const styles = ending(fetched, 'css');
    expect(styles).toHaveLength(1);
    expect(sum(styles)).toBeGreaterThan(KIB);
    expect(sum(styles)).toBeLessThanOrEqual(STYLE);
    for (const { url, headers } of ending(fetched, 'css', 'js', 'wasm')) {
      expect(headers['content-encoding'], url).toBe('br');
      expect(headers['cache-control'], url).toBe('public, max-age=31536000, immutable');
    }
  });
}

test('what is kept for good is not asked for again', async ({ page, signIn }) => {
  /** Bytes that came over the network for our files, names included; 0 where the browser had it. */
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

test('no page loads more than 250 KiB of WASM and script', async ({ openContext }) => {
  for (const [path] of PAGES) {
    // Each page in a browser of its own, which has nothing from the page before.
    const context = await openContext();
    if (path !== '/sign-in') {
      await signIn(context.request, MEMBER);
    }
    const code = ending(await fetchedBy(await context.newPage(), path), 'wasm', 'js');
    expect.soft(sum(code), path).toBeLessThanOrEqual(CODE);
    await context.close();
  }
});
