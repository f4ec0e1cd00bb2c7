import type { Locator, Page } from '@playwright/test';

/** Every page of the documentation, in the order of its navigation. */
export const DOCUMENTATION = [
  { path: '/docs', name: 'Overview', heading: 'API documentation' },
  { path: '/docs/authentication', name: 'Authentication', heading: 'Authentication' },
  { path: '/docs/conventions', name: 'Conventions', heading: 'Conventions' },
  { path: '/docs/errors', name: 'Errors', heading: 'Errors' },
  { path: '/docs/recipes', name: 'Recipes', heading: 'Recipes' },
  { path: '/docs/clients', name: 'Generated clients', heading: 'Generated clients' },
  { path: '/docs/reference', name: 'API reference', heading: 'API reference' },
  { path: '/docs/changelog', name: 'Changelog', heading: 'Changelog' },
] as const;

/** A page of the documentation. */
export class DocumentationPage {
  readonly main: Locator;
  readonly heading: Locator;
  readonly navigation: Locator;
  /** The links of the navigation to pages, and to the endpoints of the reference. */
  readonly pages: Locator;
  readonly endpoints: Locator;
  /** Shows the navigation on a narrow screen. */
  readonly menu: Locator;
  readonly theme: Locator;
  readonly search: Search;
  readonly values: Values;
  readonly previous: Locator;
  readonly next: Locator;
  readonly contents: Locator;
  readonly skipLink: Locator;
  readonly asMarkdown: Locator;
  readonly openApi: Locator;
  readonly dashboard: Locator;
  /** Groups of examples: each shows one call in several languages. */
  readonly examples: Locator;
  /** What the browser has not laid out yet. */
  readonly unseen: Locator;

  constructor(readonly page: Page) {
    this.main = page.getByRole('main');
    this.heading = this.main.getByRole('heading', { level: 1 });
    this.navigation = page.getByRole('navigation', { name: 'Documentation' });
    this.endpoints = this.navigation.locator('.endpoints a');
    this.pages = this.navigation.locator('a:not(.endpoints a)');
    this.menu = this.navigation.getByText('All pages');
    this.theme = page.getByRole('combobox', { name: 'Theme' });
    this.search = new Search(page);
    this.values = new Values(page);
    this.previous = this.main.locator('a[rel="prev"]');
    this.next = this.main.locator('a[rel="next"]');
    this.contents = page.getByRole('navigation', { name: 'On this page' });
    this.skipLink = page.getByRole('link', { name: 'Skip to main content' });
    this.asMarkdown = page.getByRole('link', { name: 'View as Markdown' });
    this.openApi = this.main.getByRole('link', { name: 'OpenAPI document' }).first();
    this.dashboard = page.getByRole('link', { name: 'Open the dashboard' });
    this.examples = page.locator('.examples');
    this.unseen = this.main.locator('.column > :not(h3, .laid-out)');
  }

  example(number = 0): Example {
    return new Example(this.examples.nth(number));
  }

  /** A block of code outside a group of examples. */
  block(text: string | RegExp): Block {
    return new Block(this.main.locator('.code:not(.example .code)', { hasText: text }).first());
  }
}

/** The search over all pages. */
export class Search {
  readonly field: Locator;
  readonly results: Locator;
  /** The result to which arrow keys have led. */
  readonly selected: Locator;
  readonly status: Locator;
  readonly tryAgain: Locator;

  constructor(page: Page) {
    const search = page.getByRole('search');
    this.field = search.getByRole('combobox', { name: 'Search the documentation' });
    this.results = search.getByRole('option');
    this.selected = search.getByRole('option', { selected: true });
    this.status = search.getByRole('status');
    this.tryAgain = search.getByRole('button', { name: 'Try again' });
  }
}

/** The organisation and the event in the examples, and the form that changes them. */
export class Values {
  readonly summary: Locator;
  readonly change: Locator;
  readonly form: Locator;
  readonly organisation: Locator;
  readonly event: Locator;
  readonly forget: Locator;
  /** All places in the examples that show them. */
  readonly organisations: Locator;
  readonly events: Locator;

  constructor(page: Page) {
    this.summary = page.locator('#values-summary');
    this.change = page.getByRole('button', { name: 'Change values' });
    this.form = page.getByRole('group', { name: 'Values in the examples' });
    this.organisation = this.form.getByRole('textbox', { name: 'Organisation ID' });
    this.event = this.form.getByRole('textbox', { name: 'Event ID' });
    this.forget = this.form.getByRole('button', { name: 'Forget these values' });
    this.organisations = page.locator('.code [data-value="organisation"]');
    this.events = page.locator('.code [data-value="event"]');
  }

  /** Enters two IDs with the keyboard. */
  async enter(organisation: string, event: string): Promise<void> {
    await this.change.press('Enter');
    await this.organisation.fill(organisation);
    await this.event.fill(event);
    await this.event.press('Enter');
  }
}

/** One call in several languages. */
export class Example {
  readonly tabs: Locator;
  readonly selected: Locator;
  /** The panel of the selected language. */
  readonly panel: Locator;

  constructor(readonly group: Locator) {
    this.tabs = group.getByRole('tab');
    this.selected = group.getByRole('tab', { selected: true });
    this.panel = group.getByRole('tabpanel');
  }

  tab(name: 'cURL' | 'Python' | 'JavaScript'): Locator {
    return this.group.getByRole('tab', { name });
  }

  get block(): Block {
    return new Block(this.panel.locator('.code'));
  }
}

/** Code with a button that copies it. */
export class Block {
  readonly code: Locator;
  readonly copy: Locator;
  readonly status: Locator;

  constructor(readonly block: Locator) {
    this.code = block.locator('pre');
    this.copy = block.getByRole('button', { name: 'Copy' });
    this.status = block.getByRole('status');
  }
}
