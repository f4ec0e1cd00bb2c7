import type { Locator, Page } from '@playwright/test';

export class EventsPage {
  readonly heading: Locator;
  readonly table: Locator;
  readonly columns: Locator;
  readonly rows: Locator;
  readonly shown: Locator;
  readonly previous: Locator;
  readonly next: Locator;
  readonly tryAgain: Locator;

  constructor(readonly page: Page) {
    const main = page.getByRole('main');
    this.heading = main.getByRole('heading', { level: 1, name: 'Events', exact: true });
    this.table = main.getByRole('table');
    this.columns = this.table.getByRole('columnheader');
    this.rows = this.table.getByRole('row').filter({ has: page.getByRole('cell') });
    this.shown = main.getByText(/^Showing \d+ to \d+ of \d+ events$/);
    this.previous = main.getByRole('link', { name: 'Previous', exact: true });
    this.next = main.getByRole('link', { name: 'Next', exact: true });
    this.tryAgain = main.getByRole('link', { name: 'Try again', exact: true });
  }

  copyId(id: number): Locator {
    return this.table.getByRole('button', { name: `Copy Event ID ${id}`, exact: true });
  }
}
