import type { Locator, Page } from '@playwright/test';

/** The page that a reset link opens. */
export class ResetPasswordPage {
  readonly heading: Locator;
  readonly next: Locator;
  readonly show: Locator;
  readonly submit: Locator;
  /** The heading of a link that does not work. */
  readonly ended: Locator;

  constructor(readonly page: Page) {
    this.heading = page.getByRole('heading', { level: 1, name: 'Set a new password', exact: true });
    this.next = page.getByLabel('New password', { exact: true });
    this.show = page.getByRole('button', { name: 'Show password', exact: true });
    this.submit = page.getByRole('button', { name: 'Set password', exact: true });
    this.ended = page.getByRole('heading', { level: 1, name: 'This link does not work', exact: true });
  }

  async setPassword(password: string): Promise<void> {
    await this.next.fill(password);
    await this.submit.click();
  }
}
