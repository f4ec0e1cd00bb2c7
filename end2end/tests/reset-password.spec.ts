// A forgotten password: from the sign-in page to a link of an operator, and back. The rules of links are tested in
// store/tests/contract/reset_links.rs and server/tests/it/reset_password.rs.

import { HomePage } from '../pages/home.ts';
import { ResetPasswordPage } from '../pages/reset-password.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER, PASSWORD } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { resetLink } from '../support/reset-link.ts';

const NEW = 'a wholly new one';

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with script' : 'without script', () => {
    test.use({ javaScriptEnabled });

    test('a member who has forgotten the password asks, gets a link, and signs in with a new password', async ({
      page,
      server,
      pageErrors,
    }) => {
      const [form, reset] = [new SignInPage(page), new ResetPasswordPage(page)];
      await page.goto('/sign-in');
      await form.forgotten.click();
      await expect(page).toHaveURL('/forgotten-password');
      await expect(page).toHaveTitle('Forgotten your password? · 9Pic');
      await expect(page.getByRole('link', { name: /^Contact 9Pic/ })).toHaveAttribute(
        'href',
        'https://9pic.ai/contact',
      );
      await page.getByRole('link', { name: 'Back to sign in' }).click();
      await expect(form.heading).toBeVisible();

      const { path, secret } = await resetLink(server, MEMBER);
      const referers: string[] = [];
      page.on('request', (request) => {
        void request.allHeaders().then(({ referer = '' }) => referers.push(referer));
      });
      await page.goto(path);
      await expect(page).toHaveTitle('Set a new password · 9Pic');
      await expect(page.getByText(`for ${MEMBER}`)).toBeVisible();
      await expect(reset.next).toBeFocused();
      await expect(reset.next).toHaveAttribute('autocomplete', 'new-password');
      await expect(page.locator('input[autocomplete="username"]')).toHaveValue(MEMBER);
      await expect(reset.show).toBeVisible({ visible: javaScriptEnabled });
      await reset.setPassword('Password1234');
      await expect(reset.next).toBeFocused();
      await expect(reset.next).toHaveAccessibleDescription(/too common, and easy to guess/);
      await expect(reset.next).toHaveAttribute('aria-invalid', 'true');
      await reset.setPassword(NEW);
      await expect(page).toHaveURL('/sign-in');
      await expect(page.getByRole('status')).toHaveText('Your password was changed. Sign in with the new one.');
      await expect(form.email).toHaveValue(MEMBER);
      await expect.poll(() => referers.length).toBeGreaterThan(4);
      expect(referers.filter((referer) => referer.includes(secret)), 'the link is in no Referer').toEqual([]);
      await form.password.fill(PASSWORD);
      await form.submit.click();
      await expect(form.error).toContainText('wrong');
      await form.signIn(MEMBER, NEW);
      await expect(new HomePage(page).heading).toBeVisible();

      pageErrors.allow(failedToLoad(404));
      await page.goto(path);
      await expect(reset.ended, 'it works once').toBeVisible();
      await expect(reset.next).toBeHidden();
    });
  });
}
