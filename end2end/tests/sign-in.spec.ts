import type { Page } from '@playwright/test';

import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { ADMIN, MEMBER, OTHER, PASSWORD } from '../support/demo.ts';
import { expect, hydrated, openPage, signIn, test } from '../support/fixtures.ts';
import { Server } from '../support/server.ts';

async function sessionCookie(page: Page) {
  const cookies = await page.context().cookies();
  return cookies.find(({ name }) => name === 'session');
}

test('signing in leads to the events', async ({ page }) => {
  const form = new SignInPage(page);
  await openPage(page, '/sign-in');
  await expect(page).toHaveTitle('Sign in · 9Pic');
  await expect(form.heading).toBeVisible();
  await expect(form.email).toBeFocused();
  await form.signIn(MEMBER);
  await expect(page).toHaveURL('/events');
  await expect(new EventsPage(page).heading).toBeVisible();
});

test('a browser can fill the form in by itself', async ({ page }) => {
  const form = new SignInPage(page);
  await openPage(page, '/sign-in');
  await expect(form.email).toHaveAttribute('autocomplete', 'username');
  await expect(form.email).toHaveAttribute('type', 'email');
  await expect(form.password).toHaveAttribute('autocomplete', 'current-password');
  await expect(form.password).toHaveAttribute('type', 'password');
});

test('what is typed before the script has taken over stays, and so does the focus', async ({ page }) => {
  let letGo!: () => void;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  await page.route('**/*.wasm', async (route) => {
    await gate;
    await route.continue();
  });
  const form = new SignInPage(page);
  await page.goto('/sign-in', { waitUntil: 'commit' });
  await expect(form.email).toBeFocused();
  await page.keyboard.type(MEMBER);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD.slice(0, 9));
  letGo();
  await hydrated(page);
  await page.keyboard.type(PASSWORD.slice(9));
  await expect(form.email).toHaveValue(MEMBER);
  await expect(form.password).toHaveValue(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/events');
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with script' : 'without script', () => {
    test.use({ javaScriptEnabled });

    test('an unknown address and a wrong password get one message, the e-mail is kept, the error has the focus', async ({
      page,
    }) => {
      const form = new SignInPage(page);
      const messages: string[] = [];
      for (const [email, password] of [
        ['nobody@example.com', PASSWORD],
        [MEMBER, 'developer-zone-dem0'],
      ] as const) {
        await page.goto(SignInPage.path('/events'));
        await form.signIn(email, password);
        await expect(form.error).toBeVisible();
        await expect(form.error).toBeFocused();
        await expect(form.email).toHaveValue(email);
        await expect(form.password).toHaveValue('');
        messages.push(await form.error.innerText());
      }
      expect(messages[0]).not.toBe('');
      expect(messages[1]).toBe(messages[0]);
    });

    test('a visitor comes back to the page they wanted, a failed try in between', async ({ page }) => {
      const form = new SignInPage(page);
      await page.goto('/events?page=2');
      await expect(page).toHaveURL((url) => url.pathname === '/sign-in');
      await form.signIn(MEMBER, 'not-the-password');
      await expect(form.error).toBeVisible();
      await form.signIn(MEMBER);
      await expect(page).toHaveURL('/events?page=2');
      await expect(new EventsPage(page).shown).toHaveText('Showing 31 to 60 of 87 events');
    });
  });
}

test('the message of a failed try is gone with the next visit', async ({ page }) => {
  const form = new SignInPage(page);
  await page.goto('/sign-in');
  await form.signIn(MEMBER, 'not-the-password');
  await expect(form.error).toBeVisible();
  await page.goto('/sign-in');
  await expect(form.heading).toBeVisible();
  await expect(form.error).toBeHidden();
});

for (const path of ['/', '/events', '/developer-zone', '/account']) {
  test(`a signed-out visitor of ${path} lands on the sign-in page`, async ({ page }) => {
    await page.goto(path);
    await expect(page).toHaveURL((url) => url.pathname === '/sign-in');
  });
}

for (const elsewhere of [
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  'https://evil.example/',
  'javascript:alert(1)',
]) {
  test(`signing in never leads to ${JSON.stringify(elsewhere)}`, async ({ page, context }) => {
    await page.goto(SignInPage.path(elsewhere));
    await new SignInPage(page).signIn(MEMBER);
    await expect(page).toHaveURL('/events');

    const signedIn = await context.request.get(SignInPage.path(elsewhere), { maxRedirects: 0 });
    expect(signedIn.status()).toBe(303);
    expect(signedIn.headers()['location']).toBe('/events');
  });
}

test('whoever is signed in does not see the sign-in page', async ({ page, signIn }) => {
  await signIn(MEMBER);
  await page.goto(SignInPage.path('/developer-zone'));
  await expect(page).toHaveURL('/developer-zone');
});

test('signing out ends the session on the server: the old cookie no longer works', async ({
  page,
  context,
  signIn,
}) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  const old = await sessionCookie(page);
  await new Frame(page).signOut.click();
  await expect(page).toHaveURL('/sign-in');
  expect(await sessionCookie(page), 'the cookie is gone').toBeUndefined();

  await context.addCookies([old!]);
  await page.goto('/events');
  await expect(page).toHaveURL((url) => url.pathname === '/sign-in');
  const call = await context.request.post('/api/dashboard/create-token', {
    data: { organisation_id: 903 },
  });
  expect(call.status()).toBe(401);
});

test('signing in gives a new session, whatever cookie was there before', async ({
  page,
  context,
  openContext,
  server,
}) => {
  await context.addCookies([{ name: 'session', value: 'AAAAAAAAAAAAAAAAAAAAAA', url: server.url }]);
  await page.goto('/sign-in');
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL('/events');
  const first = await sessionCookie(page);
  expect(first?.value).not.toBe('AAAAAAAAAAAAAAAAAAAAAA');

  await signIn(context.request, OTHER);
  const second = await sessionCookie(page);
  expect(second?.value).not.toBe(first?.value);

  const thief = await openContext();
  await thief.addCookies([first!]);
  const page2 = await thief.newPage();
  await page2.goto('/events');
  await expect(page2).toHaveURL((url) => url.pathname === '/sign-in');
});

test('the cookie of the session is out of reach for scripts and other sites', async ({
  page,
  signIn,
}) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  const { httpOnly, sameSite, path, secure, domain, expires } = (await sessionCookie(page))!;
  expect({ httpOnly, sameSite, path, secure, domain }).toEqual({
    httpOnly: true,
    sameSite: 'Lax',
    path: '/',
    secure: false,
    domain: '127.0.0.1',
  });
  expect(expires, 'it ends some day').toBeGreaterThan(Date.now() / 1000);
  expect(await page.evaluate(() => document.cookie)).toBe('');
});

test.describe('behind HTTPS', () => {
  test.use({ serverOptions: { args: ['--public-url', 'https://dev.example.com'] } });

  test('the cookie of the session is bound to its host and to HTTPS', async ({ request }) => {
    const answer = await request.post('/api/dashboard/sign-in', {
      form: { email: MEMBER, password: PASSWORD },
      maxRedirects: 0,
    });
    const cookie = answer.headers()['set-cookie'] ?? '';
    const [pair, ...attributes] = cookie.split('; ');
    expect(pair).toMatch(/^__Host-session=.{22}/);
    expect(attributes).toEqual(
      expect.arrayContaining(['HttpOnly', 'SameSite=Lax', 'Secure', 'Path=/']),
    );
    expect(cookie).not.toContain('Domain');
  });
});

test('a first start with --demo on an empty database prints the address first, and the sign-ins', async ({
  browser,
}) => {
  const server = await Server.start();
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  await page.goto('/sign-in');
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL(`${server.url}/events`);
  await context.close();
  const [first, ...rest] = server.printed.split('\n');
  expect(first).toBe(`listening on ${server.url}`);
  for (const text of [server.url, PASSWORD, ADMIN, MEMBER]) {
    expect(rest.join('\n')).toContain(text);
  }
  expect(await server.stop()).toBe(0);
  await server.removeDatabase();
});
