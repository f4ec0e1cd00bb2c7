import type { Locator, Page } from '@playwright/test';

import { PASSWORD } from '../support/demo.ts';

export class SignInPage {
  readonly heading: Locator;
  readonly email: Locator;
  readonly password: Locator;
  readonly submit: Locator;
  readonly error: Locator;
  /** Shows the password. Hidden without script. */
  readonly show: Locator;
  readonly forgotten: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1, name: 'Sign in', exact: true });
    this.email = page.getByRole('textbox', { name: 'Email', exact: true });
    this.password = page.getByLabel('Password', { exact: true });
    this.submit = page.getByRole('button', { name: 'Sign in', exact: true });
    this.error = page.getByRole('alert');
    this.show = page.getByRole('button', { name: 'Show password', exact: true });
    this.forgotten = page.getByRole('link', { name: 'Forgotten your password?', exact: true });
  }

  /** The address of the sign-in page that leads to `next`. */
  static path(next?: string): string {
    return next === undefined ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`;
  }

  async signIn(email: string, password: string = PASSWORD): Promise<void> {
    await this.email.fill(email);
    await this.password.fill(password);
    await this.submit.click();
  }
}
