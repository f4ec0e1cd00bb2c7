import type { Locator, Page } from '@playwright/test';

import { openPage } from '../support/fixtures.ts';

/** The page after sign-in. */
export class HomePage {
  readonly heading: Locator;
  readonly steps: Locator;
  readonly changes: Locator;
  /** The offer to organisations on other plans. */
  readonly locked: Locator;

  constructor(readonly page: Page) {
    const main = page.getByRole('main');
    this.heading = main.getByRole('heading', { level: 1, name: 'Home', exact: true });
    this.steps = main.locator('section', { has: page.locator('ol') }).getByRole('listitem');
    this.changes = main.getByRole('region', { name: 'Last changes', exact: true }).getByRole('listitem');
    this.locked = main.getByRole('region', { name: 'Developer Zone', exact: true });
  }

  /** The card with this title, such as `Active tokens`. */
  figure(title: string): Locator {
    return this.page.getByRole('main').getByRole('region', { name: title, exact: true });
  }

  async open(): Promise<void> {
    await openPage(this.page, '/');
  }
}

/** The organisations as buttons, on a page that needs one. */
export class ChooseOrganisation {
  readonly card: Locator;
  readonly options: Locator;
  readonly search: Locator;

  constructor(page: Page) {
    this.card = page.getByRole('main').getByRole('region', { name: 'Choose an organisation', exact: true });
    this.options = this.card.getByRole('button');
    this.search = this.card.getByRole('searchbox');
  }
}
