import type { Locator, Page } from '@playwright/test';

/** The sidebar and the messages around every page of a signed-in user. */
export class Frame {
  readonly skipLink: Locator;
  readonly main: Locator;
  readonly navigation: Locator;
  readonly home: Locator;
  readonly events: Locator;
  readonly developerZone: Locator;
  readonly documentation: Locator;
  readonly account: Locator;
  readonly signOut: Locator;
  readonly openMenu: Locator;
  /** Above the page on a phone. */
  readonly topBar: Locator;
  readonly closeMenu: Locator;
  readonly switcher: OrganisationSwitcher;
  /** Messages about successful actions. */
  readonly confirmations: Locator;
  /** Messages about failed actions. */
  readonly failures: Locator;
  readonly sessionEnded: Locator;

  constructor(readonly page: Page) {
    this.skipLink = page.getByRole('link', { name: 'Skip to main content', exact: true });
    this.main = page.getByRole('main');
    this.navigation = page.getByRole('navigation', { name: 'Main', exact: true });
    this.home = this.navigation.getByRole('link', { name: 'Home', exact: true });
    this.events = this.navigation.getByRole('link', { name: 'Events', exact: true });
    this.developerZone = this.navigation.getByRole('link', { name: 'Developer Zone', exact: true });
    this.documentation = this.navigation.getByRole('link', { name: /^API documentation/ });
    this.account = page.getByRole('region', { name: 'Account' });
    this.signOut = page.getByRole('button', { name: 'Sign out', exact: true });
    this.topBar = page.getByRole('banner');
    this.openMenu = page.getByRole('button', { name: 'Open menu', exact: true });
    this.closeMenu = page.getByRole('button', { name: 'Close menu', exact: true });
    this.switcher = new OrganisationSwitcher(page);
    this.confirmations = page.getByRole('status').filter({ has: page.getByRole('paragraph') });
    this.failures = page.getByRole('alert').filter({ has: page.getByRole('paragraph') });
    this.sessionEnded = page.getByRole('dialog', { name: 'Your session has ended', exact: true });
  }
}

export class OrganisationSwitcher {
  /** Its text is `Name (903)` and the plan, or `Select organisation`. The name begins with `Organisation`. */
  readonly button: Locator;
  readonly list: Locator;
  readonly search: Locator;
  readonly options: Locator;
  /** The titles of the list's parts, if it has parts. */
  readonly groups: Locator;

  constructor(page: Page) {
    this.button = page.getByRole('button', { name: /^Organisation: |^Select organisation$/ });
    this.list = page.getByRole('dialog', { name: 'Organisations', exact: true });
    this.search = this.list.getByRole('searchbox');
    this.options = this.list.getByRole('button');
    this.groups = this.list.getByRole('group');
  }

  option(name: string): Locator {
    return this.list.getByRole('button', { name });
  }
}

/** The sidebar's Developer Zone item for an organisation whose plan does not include it. */
export class LockedItem {
  readonly item: Locator;
  readonly tooltip: Locator;
  readonly dialog: Locator;
  readonly contact: Locator;
  readonly close: Locator;

  constructor(page: Page) {
    const navigation = page.getByRole('navigation', { name: 'Main', exact: true });
    this.item = navigation.getByRole('button', { name: 'Developer Zone', exact: true });
    this.tooltip = page.getByRole('tooltip');
    this.dialog = page.getByRole('dialog', { name: 'Enterprise Plan Required', exact: true });
    this.contact = this.dialog.getByRole('link', { name: /^Contact 9Pic/ });
    this.close = this.dialog.getByRole('button', { name: 'Close', exact: true });
  }
}
