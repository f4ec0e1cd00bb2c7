import { expect, type Locator, type Page } from '@playwright/test';

import { openPage } from '../support/fixtures.ts';

export class DeveloperZonePage {
  readonly heading: Locator;
  readonly card: Locator;
  readonly title: Locator;
  readonly documentation: Locator;
  readonly createToken: Locator;
  /** Opens the card's menu. */
  readonly menu: Locator;
  /** The menu's item. */
  readonly deactivateAll: Locator;
  readonly table: Locator;
  readonly columns: Locator;
  readonly rows: Locator;
  readonly empty: Locator;
  readonly loadFailed: Locator;
  readonly tryAgain: Locator;
  readonly limit: Locator;
  readonly createDialog: CreateDialog;
  readonly newToken: NewTokenDialog;
  readonly deleteDialog: DeleteDialog;
  readonly activateDialog: ActivateDialog;
  readonly deactivateAllDialog: DeactivateAllDialog;

  constructor(readonly page: Page) {
    const main = page.getByRole('main');
    this.heading = main.getByRole('heading', { level: 1, name: 'Developer Zone', exact: true });
    this.card = main.getByRole('region', { name: 'Admin API Tokens', exact: true });
    this.title = main.getByRole('heading', { level: 2, name: 'Admin API Tokens', exact: true });
    this.documentation = this.card.getByRole('link', { name: /^API documentation/ });
    this.createToken = this.card.getByRole('button', { name: 'Create Token', exact: true });
    this.menu = this.card.getByRole('button', { name: 'More actions', exact: true });
    this.deactivateAll = this.card.getByRole('button', { name: /^Deactivate all tokens…/ });
    this.table = this.card.getByRole('table');
    this.columns = this.table.getByRole('columnheader');
    this.rows = this.table.getByRole('row').filter({ has: page.getByRole('switch') });
    this.empty = this.card.getByRole('heading', { name: 'No API tokens yet', exact: true });
    this.loadFailed = this.card.getByRole('heading', { name: 'The API tokens could not be loaded' });
    this.tryAgain = this.card.getByRole('link', { name: 'Try again', exact: true });
    this.limit = this.card.getByText(
      'You have reached the limit of 10 tokens. Delete an existing token to create a new one.',
      { exact: true },
    );
    this.createDialog = new CreateDialog(page);
    this.newToken = new NewTokenDialog(page);
    this.deleteDialog = new DeleteDialog(page);
    this.activateDialog = new ActivateDialog(page);
    this.deactivateAllDialog = new DeactivateAllDialog(page);
  }

  async open(): Promise<void> {
    await openPage(this.page, '/developer-zone');
  }

  /** `3 of 10 tokens`. */
  count(tokens: number): Locator {
    return this.card.getByText(`${tokens} of 10 tokens`, { exact: true });
  }

  /** The row of the token with this preview. */
  row(preview: string): TokenRow {
    return new TokenRow(this.rows.filter({ hasText: preview }), preview);
  }

  /** Creates a token and returns it. Its dialog stays open. */
  async create(): Promise<string> {
    await this.createToken.click();
    await this.createDialog.create.click();
    await expect(this.newToken.field).toHaveValue(/^[0-9A-Za-z]{46}$/);
    return this.newToken.field.inputValue();
  }

  /** Creates a token, closes its dialog, and returns the token. */
  async createAndClose(): Promise<string> {
    const token = await this.create();
    await this.newToken.putAway();
    // The page moves the focus a moment later. A test that moves it too must come after that.
    await expect(this.createToken).toBeFocused();
    return token;
  }
}

/** The preview of a token: the part that pages show later. */
export function previewOf(token: string): string {
  return `${token.slice(0, 5)}***`;
}

export class TokenRow {
  readonly cells: Locator;
  /** `Active`, `Inactive`, or the change under way. */
  readonly status: Locator;
  /** `Last used 2 minutes ago`, below the badge. */
  readonly lastUse: Locator;
  readonly switch: Locator;
  readonly delete: Locator;

  constructor(
    readonly row: Locator,
    preview: string,
  ) {
    this.cells = row.locator('th, td');
    this.status = this.cells.nth(1).locator('.badge');
    this.lastUse = this.cells.nth(1).getByText(/^(Last used |Never used$)/);
    this.switch = row.getByRole('switch', { name: `Token ${preview} active`, exact: true });
    this.delete = row.getByRole('button', { name: `Delete token ${preview}`, exact: true });
  }
}

export class CreateDialog {
  readonly dialog: Locator;
  readonly name: Locator;
  readonly create: Locator;
  readonly cancel: Locator;

  constructor(page: Page) {
    this.dialog = page.getByRole('dialog', { name: 'Create API token', exact: true });
    this.name = this.dialog.getByRole('textbox', { name: 'Name (optional)', exact: true });
    this.create = this.dialog.getByRole('button', { name: /^(Create Token|Creating…)$/ });
    this.cancel = this.dialog.getByRole('button', { name: 'Cancel', exact: true });
  }
}

export class NewTokenDialog {
  readonly dialog: Locator;
  readonly field: Locator;
  readonly copy: Locator;
  readonly status: Locator;
  readonly tabs: Locator;
  /** The example of the selected language. */
  readonly example: Locator;
  readonly exampleStatus: Locator;
  readonly testConnection: Locator;
  readonly testResult: Locator;
  /** `9 of 9 checks passed`. Opens and closes the list. */
  readonly checksPassed: Locator;
  readonly checks: Locator;
  readonly firstCall: Locator;
  readonly done: Locator;
  readonly question: Locator;
  readonly keepOpen: Locator;
  readonly closeWithoutCopying: Locator;
  readonly copyAndClose: Locator;

  constructor(page: Page) {
    this.dialog = page.getByRole('dialog', { name: 'Your new API token', exact: true });
    this.field = this.dialog.getByRole('textbox', { name: 'API token', exact: true });
    const copying = this.dialog.getByRole('region', { name: 'Copy', exact: true });
    this.copy = copying.getByRole('button', { name: /^(Copy token|Copied)$/ });
    this.status = copying.getByRole('status');
    this.tabs = this.dialog.getByRole('tablist', { name: 'Languages', exact: true }).getByRole('tab');
    this.example = this.dialog.getByRole('tabpanel').getByRole('textbox', { name: / example$/ });
    const trying = this.dialog.getByRole('region', { name: 'Try', exact: true });
    this.exampleStatus = trying.getByRole('status').first();
    this.testConnection = trying.getByRole('button', {
      name: /^(Test connection|Testing…|Try again)$/,
    });
    this.testResult = trying.getByRole('status').nth(1);
    this.checksPassed = trying.locator('summary');
    this.checks = trying.locator('.check-list > li');
    this.firstCall = trying.getByRole('status').last();
    this.done = this.dialog.getByRole('button', { name: 'Done', exact: true });
    this.question = this.dialog.getByRole('alert');
    this.keepOpen = this.question.getByRole('button', { name: 'Keep it open', exact: true });
    this.closeWithoutCopying = this.question.getByRole('button', { name: 'Close without copying', exact: true });
    this.copyAndClose = this.question.getByRole('button', { name: 'Copy token and close', exact: true });
  }

  /** Closes the dialog although the token was not copied. */
  async putAway(): Promise<void> {
    await this.done.click();
    await this.closeWithoutCopying.click();
    await expect(this.dialog).toBeHidden();
  }

  tab(language: string): Locator {
    return this.tabs.and(this.dialog.getByRole('tab', { name: language, exact: true }));
  }

  copyExample(language: string): Locator {
    return this.dialog.getByRole('button', { name: `Copy ${language} example`, exact: true });
  }
}

export class DeleteDialog {
  readonly dialog: Locator;
  readonly delete: Locator;
  readonly cancel: Locator;
  readonly deactivateInstead: Locator;

  constructor(page: Page) {
    this.dialog = page.getByRole('alertdialog', { name: 'Delete API token?', exact: true });
    this.delete = this.dialog.getByRole('button', { name: /^(Delete|Deleting…)$/ });
    this.cancel = this.dialog.getByRole('button', { name: 'Cancel', exact: true });
    this.deactivateInstead = this.dialog.getByRole('button', {
      name: 'Deactivate instead',
      exact: true,
    });
  }
}

export class ActivateDialog {
  readonly dialog: Locator;
  readonly password: Locator;
  readonly activate: Locator;
  readonly cancel: Locator;

  constructor(page: Page) {
    this.dialog = page.getByRole('alertdialog', { name: 'Activate API token?', exact: true });
    this.password = this.dialog.getByLabel('Password', { exact: true });
    this.activate = this.dialog.getByRole('button', { name: /^(Activate|Activating…)$/ });
    this.cancel = this.dialog.getByRole('button', { name: 'Cancel', exact: true });
  }
}

export class DeactivateAllDialog {
  readonly dialog: Locator;
  readonly deactivate: Locator;
  readonly cancel: Locator;

  constructor(page: Page) {
    this.dialog = page.getByRole('alertdialog', { name: /^(Deactivate \d+ tokens?\?|No token is active)$/ });
    this.deactivate = this.dialog.getByRole('button', { name: /^(Deactivate all|Deactivating…)$/ });
    this.cancel = this.dialog.getByRole('button', { name: 'Cancel', exact: true });
  }
}
