import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { HomePage } from '../pages/home.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER, PASSWORD, SESSION_COOKIE } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { filesLoadedBy } from '../support/traffic.ts';

test('signing in leads to Home, signing out ends the session, and a password manager finds the fields', async ({
  page,
  context,
  pageErrors,
}) => {
  // The page may ask for news between the end of the session and the next page.
  pageErrors.allow(failedToLoad(401));
  const form = new SignInPage(page);
  const session = async () => (await context.cookies()).find(({ name }) => name === SESSION_COOKIE);
  await openPage(page, '/sign-in');
  await expect(page).toHaveTitle('Sign in · 9Pic');
  await expect(form.heading).toBeVisible();
  await expect(form.email).toBeFocused();
  await expect(form.email).toHaveAttribute('autocomplete', 'username');
  await expect(form.email).toHaveAttribute('type', 'email');
  await expect(form.password).toHaveAttribute('autocomplete', 'current-password');
  await expect(form.password).toHaveAttribute('type', 'password');
  await form.signIn(MEMBER);
  await expect(page).toHaveURL('/');
  await expect(new HomePage(page).heading).toBeVisible();

  const { httpOnly, sameSite, path, secure, domain } = (await session())!;
  expect({ httpOnly, sameSite, path, secure, domain }).toEqual({
    httpOnly: true,
    sameSite: 'Lax',
    path: '/',
    secure: false,
    domain: '127.0.0.1',
  });
  await page.goto(SignInPage.path('/developer-zone'));
  await expect(page, 'no sign-in page for a signed-in user').toHaveURL('/developer-zone');
  await new Frame(page).signOut.click();
  await expect(page).toHaveURL('/sign-in');
  expect(await session(), 'the cookie is deleted').toBeUndefined();
});

test('sign-in loads no script and no WASM, and shows a password until the form is sent', async ({ page }) => {
  const form = new SignInPage(page);
  const loaded = await filesLoadedBy(page, '/sign-in');
  expect(loaded.map(({ url }) => url).filter((url) => /\.(js|wasm)$/.test(url))).toEqual([]);
  await form.email.fill(MEMBER);
  await form.password.fill(PASSWORD);
  await form.show.click();
  await expect(form.show).toHaveAttribute('aria-pressed', 'true');
  await expect(form.password).toHaveAttribute('type', 'text');
  await form.show.press('Enter');
  await expect(form.show).toHaveAttribute('aria-pressed', 'false');
  await expect(form.password).toHaveAttribute('type', 'password');
  await form.show.press('Space');
  await expect(form.password).toHaveValue(PASSWORD);
  // Keeps the page to see what the browser could remember as a text.
  await page.route('**/api/dashboard/sign-in', (route) => route.fulfill({ status: 204 }));
  await form.submit.click();
  await expect(form.password).toHaveAttribute('type', 'password');
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('an unknown address and a wrong password get the same message, and the right one leads to the page wanted', async ({
    page,
  }) => {
    const form = new SignInPage(page);
    await page.goto('/sign-in');
    await expect(form.show, 'only script can show the password').toBeHidden();
    const messages: string[] = [];
    for (const [email, password] of [
      ['nobody@example.com', PASSWORD],
      [MEMBER, 'developer-zone-dem0'],
    ] as const) {
      await page.goto('/events?page=2');
      await expect(page).toHaveURL((url) => url.pathname === '/sign-in');
      await expect(form.error, 'the last message is gone').toBeHidden();
      await form.signIn(email, password);
      await expect(form.error).toBeVisible();
      await expect(form.error).toBeFocused();
      await expect(form.email).toHaveValue(email);
      await expect(form.password).toHaveValue('');
      messages.push(await form.error.innerText());
    }
    expect(messages[0]).not.toBe('');
    expect(messages[1]).toBe(messages[0]);
    await form.signIn(MEMBER);
    await expect(page).toHaveURL('/events?page=2');
    await expect(new EventsPage(page).shown).toHaveText('Showing 31 to 60 of 87 events');
  });
});

test('signing in never leads to another site', async ({ page }) => {
  // Paths that browsers read as another host. More addresses are tested in server/tests/it/session_cookie.rs.
  await page.goto(SignInPage.path('/\t/evil.example'));
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL('/');
});
