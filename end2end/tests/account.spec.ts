import { AccountPage } from '../pages/account.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER, OTHER, PASSWORD } from '../support/demo.ts';
import { expect, openPage, signIn, test } from '../support/fixtures.ts';

const NEW = 'a wholly new one';

test('the sidebar leads to the account, and Back returns to it, also from a reloaded page', async ({
  page,
  signIn,
}) => {
  const [frame, account] = [new Frame(page), new AccountPage(page)];
  const events = new EventsPage(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  const link = frame.account.getByRole('link', { name: 'Your account', exact: true });
  await link.click();
  await expect(page).toHaveURL('/account');
  await expect(page).toHaveTitle('Your account · 9Pic');
  await expect(account.heading).toBeVisible();
  await expect(link).toHaveAttribute('aria-current', 'page');
  await frame.events.click();
  await expect(events.heading).toBeVisible();
  await page.goBack();
  await expect(account.thisBrowser).toBeVisible();

  await frame.events.click();
  await expect(page).toHaveURL('/events');
  await page.reload();
  await expect(events.heading).toBeVisible();
  await page.goBack();
  await expect(account.thisBrowser).toBeVisible();
});

test('a wrong or weak password is refused beside its field, which has the focus, then a good one is accepted', async ({
  page,
  signIn,
}) => {
  const [frame, account] = [new Frame(page), new AccountPage(page)];
  await signIn(MEMBER);
  await page.goto('/account');
  await expectAccessible(page);
  await account.changePassword('not the password', NEW);
  await expect(account.current).toBeFocused();
  await expect(account.current).toHaveAccessibleDescription(/Incorrect password/);
  await expect(account.current).toHaveAttribute('aria-invalid', 'true');
  await expect(account.next).not.toHaveAttribute('aria-invalid');
  await expectAccessible(page);
  await account.changePassword(PASSWORD, 'Password1234');
  await expect(account.next).toBeFocused();
  await expect(account.next).toHaveAccessibleDescription(/too common, and easy to guess.*At least 12 characters/);
  await expect(account.next).toHaveAttribute('aria-invalid', 'true');
  await expect(account.current).not.toHaveAttribute('aria-invalid');
  await page.goto('/account');
  await expect(account.next).not.toHaveAttribute('aria-invalid');

  await account.changePassword(PASSWORD, 'elevenchars');
  await expect(account.next, 'the browser itself refuses a short one').toBeFocused();
  await expect(account.current, 'and keeps what was typed').toHaveValue(PASSWORD);
  await expect(account.next).toHaveValue('elevenchars');
  await account.changePassword(PASSWORD, NEW);
  await expect(account.confirmation).toHaveText(/Your password was changed/);
  await expect(account.confirmation).toBeFocused();
  await expect(account.current).toHaveValue('');
  await expectAccessible(page);
  await frame.signOut.click();
  await new SignInPage(page).signIn(MEMBER, NEW);
  await expect(page).toHaveURL('/');
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('one can sign out another browser, change the password, and sign out every browser', async ({
    page,
    signIn: signInHere,
    openContext,
  }) => {
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

    await expect(account.show, 'only script can show passwords').toBeHidden();
    await account.changePassword('not the password', NEW);
    await expect(account.current).toBeFocused();
    await expect(account.current).toHaveAccessibleDescription(/Incorrect password/);
    await account.changePassword(PASSWORD, NEW);
    await expect(account.confirmation).toHaveText(/Your password was changed/);
    await account.signOutEverywhere.click();
    const form = new SignInPage(page);
    await expect(form.heading).toBeVisible();
    await page.goto('/account');
    await form.signIn(MEMBER, NEW);
    await expect(account.thisBrowser).toBeVisible();
  });
});

test('the password form supports password managers, pasting and showing the passwords', async ({
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
  await account.show.click();
  await expect(account.show).toHaveAttribute('aria-pressed', 'true');
  await expect(account.next).toHaveAttribute('type', 'text');
  await expect(account.current).toHaveAttribute('type', 'text');
  await account.show.click();
  await expect(account.next).toHaveAttribute('type', 'password');
  await expect(account.next).toHaveValue(NEW);
});

test('after too many wrong passwords, the sign-in page says how long to wait, for this account only', async ({
  page,
  openContext,
}) => {
  const form = new SignInPage(page);
  await page.goto('/sign-in');
  const wait = form.error.filter({ hasText: /Too many wrong passwords\. Wait \d+ seconds?, then try again\./ });
  // On a busy machine a wait may be over before the next try. The waits double, so one of them is long enough.
  for (let tries = 0; tries < 12 && !(await wait.isVisible()); tries += 1) {
    await form.password.fill('not the password');
    await form.email.fill(MEMBER);
    await Promise.all([page.waitForResponse('**/api/dashboard/sign-in'), form.submit.click()]);
    await expect(form.error).toBeFocused();
  }
  await expect(wait).toBeFocused();
  await expect(form.email).toHaveValue(MEMBER);
  await expectAccessible(page);

  const other = await openContext();
  await signIn(other.request, OTHER);
});
