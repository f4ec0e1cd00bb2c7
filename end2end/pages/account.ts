import type { Locator, Page } from '@playwright/test';

/** The page `Your account`: password and sessions. */
export class AccountPage {
  readonly heading: Locator;
  readonly current: Locator;
  readonly next: Locator;
  readonly show: Locator;
  readonly change: Locator;
  /** The result of the last form. */
  readonly confirmation: Locator;
  readonly sessions: Locator;
  readonly signOutEverywhere: Locator;

  constructor(readonly page: Page) {
    const main = page.getByRole('main');
    this.heading = main.getByRole('heading', { level: 1, name: 'Your account', exact: true });
    this.current = main.getByLabel('Current password', { exact: true });
    this.next = main.getByLabel('New password', { exact: true });
    this.show = main.getByRole('button', { name: 'Show passwords', exact: true });
    this.change = main.getByRole('button', { name: 'Change password', exact: true });
    this.confirmation = main.getByRole('status');
    this.sessions = main.getByRole('table').getByRole('row').filter({ has: page.getByRole('cell') });
    this.signOutEverywhere = main.getByRole('button', { name: 'Sign out everywhere', exact: true });
  }

  /** The session of this browser. */
  get thisBrowser(): Locator {
    return this.sessions.filter({ hasText: 'This browser' });
  }

  get otherBrowsers(): Locator {
    return this.sessions.filter({ hasNotText: 'This browser' });
  }

  signOut(session: Locator): Locator {
    return session.getByRole('button', { name: /^Sign out / });
  }

  async changePassword(current: string, next: string): Promise<void> {
    await this.current.fill(current);
    await this.next.fill(next);
    await this.change.click();
  }
}
