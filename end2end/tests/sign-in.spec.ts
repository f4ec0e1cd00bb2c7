import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { HomePage } from '../pages/home.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER, PASSWORD, SESSION_COOKIE } from '../support/demo.ts';
import { expect, openPage, test, waitForHydration } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

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

test('text that was typed before the WASM arrived stays, and so does the focus', async ({ page }) => {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.wasm', async (route) => {
    await released;
    await route.continue();
  });
  const form = new SignInPage(page);
  await page.goto('/sign-in', { waitUntil: 'commit' });
  await expect(form.email).toBeFocused();
  await page.keyboard.type(MEMBER);
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD.slice(0, 9));
  release();
  await waitForHydration(page);
  await page.keyboard.type(PASSWORD.slice(9));
  await expect(form.email).toHaveValue(MEMBER);
  await expect(form.password).toHaveValue(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/');
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('an unknown address and a wrong password get the same message, and the right one leads to the page wanted', async ({
    page,
  }) => {
    const form = new SignInPage(page);
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
