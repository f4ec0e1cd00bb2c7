import { AccountPage } from '../pages/account.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER, PASSWORD } from '../support/demo.ts';
import { expect, openPage, signIn, test } from '../support/fixtures.ts';

const NEW = 'a wholly new one';

test('the account is reached from the sidebar, and left again', async ({ page, signIn }) => {
  const [frame, account] = [new Frame(page), new AccountPage(page)];
  await signIn(MEMBER);
  await openPage(page, '/events');
  await frame.account.getByRole('link', { name: 'Your account', exact: true }).click();
  await expect(page).toHaveURL('/account');
  await expect(page).toHaveTitle('Your account · 9Pic');
  await expect(account.heading).toBeVisible();
  const link = frame.account.getByRole('link', { name: 'Your account', exact: true });
  await expect(link).toHaveAttribute('aria-current', 'page');
  await frame.events.click();
  await expect(new EventsPage(page).heading).toBeVisible();
  await page.goBack();
  await expect(account.thisBrowser).toBeVisible();
});

test('what the page shows is there also when it is reached through the history of another page', async ({
  page,
  signIn,
}) => {
  const [frame, account] = [new Frame(page), new AccountPage(page)];
  await signIn(MEMBER);
  await openPage(page, '/account');
  await frame.events.click();
  await expect(page).toHaveURL('/events');
  await page.reload();
  await expect(new EventsPage(page).heading).toBeVisible();
  await page.goBack();
  await expect(account.thisBrowser).toBeVisible();
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with script' : 'without script', () => {
    test.use({ javaScriptEnabled });

    test('the password is changed, and the new one signs in', async ({ page, signIn }) => {
      const [frame, account] = [new Frame(page), new AccountPage(page)];
      await signIn(MEMBER);
      await page.goto('/account');
      await account.changePassword(PASSWORD, NEW);
      await expect(account.confirmation).toHaveText(/Your password was changed/);
      await expect(account.confirmation).toBeFocused();
      await expect(account.current).toHaveValue('');
      await frame.signOut.click();
      await new SignInPage(page).signIn(MEMBER, NEW);
      await expect(page).toHaveURL('/events');
    });

    test('a wrong password says so, with the focus on it', async ({ page, signIn }) => {
      const account = new AccountPage(page);
      await signIn(MEMBER);
      await page.goto('/account');
      await account.changePassword('not the password', NEW);
      await expect(account.error).toHaveText(/Incorrect password/);
      await expect(account.error).toBeFocused();
      await expect(account.current).toHaveAccessibleDescription(/Incorrect password/);
      await account.changePassword(PASSWORD, 'Password1234');
      await expect(account.error).toHaveText(/too common, and easy to guess/);
      await expect(account.next).toHaveAttribute('aria-invalid', 'true');
      await page.goto('/account');
      await expect(account.error).toBeHidden();
    });

    test('another browser is signed out, and then all', async ({ page, signIn: signInHere, openContext }) => {
      const account = new AccountPage(page);
      const other = await openContext({ userAgent: 'Mozilla/5.0 (iPhone) Safari/604.1' });
      await signIn(other.request, MEMBER);
      await signInHere(MEMBER);
      await page.goto('/account');
      await expect(account.sessions).toHaveCount(2);
      await expect(account.otherBrowsers).toContainText('Safari on iPhone');
      await expect(account.otherBrowsers).toContainText('127.0.0.1');
      await account.signOut(account.otherBrowsers).click();
      await expect(account.confirmation).toHaveText('That browser is signed out.');
      await expect(account.sessions).toHaveCount(1);
      const call = await other.request.post('/api/dashboard/watch-tokens', {
        data: { organisation_id: 903 },
      });
      expect(call.status()).toBe(401);

      await account.signOutEverywhere.click();
      await expect(new SignInPage(page).heading).toBeVisible();
      await page.goto('/account');
      await expect(new SignInPage(page).heading).toBeVisible();
    });
  });
}

test('password managers and people can fill the form in: autocomplete, pasting, showing', async ({
  page,
  context,
  signIn,
}) => {
  const account = new AccountPage(page);
  await signIn(MEMBER);
  await openPage(page, '/account');
  await expect(page.locator('input[autocomplete="username"]')).toHaveValue(MEMBER);
  await expect(account.current).toHaveAttribute('autocomplete', 'current-password');
  await expect(account.next).toHaveAttribute('autocomplete', 'new-password');
  await expect(account.next).not.toHaveAttribute('maxlength');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.evaluate((text) => navigator.clipboard.writeText(text), NEW);
  await account.next.focus();
  await page.keyboard.press('Control+V');
  await expect(account.next).toHaveValue(NEW);
  await expect(account.next).toHaveAttribute('type', 'password');
  await account.show.check();
  await expect(account.next).toHaveAttribute('type', 'text');
  await expect(account.current).toHaveAttribute('type', 'text');
  await account.show.uncheck();
  await expect(account.next).toHaveAttribute('type', 'password');
  await expect(account.next).toHaveValue(NEW);
});

test('the account, a confirmation and an error are accessible', async ({ page, signIn }) => {
  const account = new AccountPage(page);
  await signIn(MEMBER);
  await openPage(page, '/account');
  await expectAccessible(page);
  await account.changePassword('not the password', NEW);
  await expect(account.error).toBeVisible();
  await expectAccessible(page);
  await account.changePassword(PASSWORD, NEW);
  await expect(account.confirmation).toBeVisible();
  await expectAccessible(page);
});

test('too many wrong passwords: the sign-in page says how long to wait', async ({ page, openContext, server }) => {
  const form = new SignInPage(page);
  await page.goto('/sign-in');
  for (let tried = 0; tried < 5; tried += 1) {
    await form.signIn(MEMBER, 'not the password');
    await expect(form.error).toBeVisible();
  }
  await form.signIn(MEMBER, 'not the password');
  await expect(form.error).toHaveText(/Too many wrong passwords\. Wait \d seconds?, then try again\./);
  await expect(form.error).toBeFocused();
  await expect(form.email).toHaveValue(MEMBER);
  await expectAccessible(page);

  const other = await openContext();
  const answer = await other.request.post('/api/dashboard/sign-in', {
    form: { email: 'other@example.com', password: PASSWORD },
    maxRedirects: 0,
  });
  expect(answer.headers()['location'], `${server.url}: other people are not slowed`).toBe('/events');
});
