import type { Locator, Page } from '@playwright/test';

import { openPage } from '../support/fixtures.ts';

export class ActivityPage {
  static readonly PATH = '/developer-zone/activity';

  /** The links to the Developer Zone's two pages. */
  readonly tokens: Locator;
  readonly activity: Locator;
  readonly card: Locator;
  readonly download: Locator;
  readonly kind: Locator;
  readonly token: Locator;
  readonly firstDay: Locator;
  readonly lastDay: Locator;
  readonly filter: Locator;
  readonly showAll: Locator;
  readonly table: Locator;
  readonly columns: Locator;
  /** The headings of the days. */
  readonly days: Locator;
  /** What was done several times; opens the rows of it. */
  readonly runs: Locator;
  readonly rows: Locator;
  /** The text of each row: who did what. */
  readonly sentences: Locator;
  readonly nothingFound: Locator;
  readonly pages: Locator;
  readonly newer: Locator;
  readonly older: Locator;
  readonly tryAgain: Locator;

  constructor(readonly page: Page) {
    const main = page.getByRole('main');
    const zone = main.getByRole('navigation', { name: 'Developer Zone', exact: true });
    this.tokens = zone.getByRole('link', { name: 'API tokens', exact: true });
    this.activity = zone.getByRole('link', { name: 'Activity', exact: true });
    this.card = main.getByRole('region', { name: 'Activity', exact: true });
    this.download = this.card.getByRole('link', { name: 'Download CSV', exact: true });
    const form = this.card.getByRole('form', { name: 'Filter', exact: true });
    this.kind = form.getByRole('combobox', { name: 'Kind', exact: true });
    this.token = form.getByRole('combobox', { name: 'Token', exact: true });
    this.firstDay = form.getByLabel('First day', { exact: true });
    this.lastDay = form.getByLabel('Last day', { exact: true });
    this.filter = form.getByRole('button', { name: 'Filter', exact: true });
    this.showAll = form.getByRole('link', { name: 'Show all', exact: true });
    this.table = this.card.getByRole('table', { name: 'Activity of the organisation, newest first' });
    this.columns = this.table.getByRole('columnheader');
    this.days = this.table.locator('[scope=rowgroup]');
    this.runs = this.table.locator('summary');
    this.rows = this.table.getByRole('row').filter({ has: page.locator('[scope=row]'), hasNot: page.locator('table') });
    this.sentences = this.rows.getByRole('rowheader');
    this.nothingFound = this.card.getByRole('heading', { name: 'Nothing found', exact: true });
    this.pages = this.card.getByRole('navigation', { name: 'Pages', exact: true });
    this.newer = this.pages.getByRole('link', { name: 'Newer', exact: true });
    this.older = this.pages.getByRole('link', { name: 'Older', exact: true });
    this.tryAgain = main.getByRole('link', { name: 'Try again', exact: true });
  }

  async open(query = ''): Promise<void> {
    await openPage(this.page, `${ActivityPage.PATH}${query}`);
  }
}
