/** What people do on each page. All of it works with the page's script and, where that cannot run, without. */

import { expect, type Page, test } from '@playwright/test';

import { AccountPage } from '../pages/account.ts';
import { ActivityPage } from '../pages/activity.ts';
import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { DocumentationPage } from '../pages/documentation.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame, LockedItem } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { ADMIN, EVENT, PASSWORD, SUMMIT } from './demo.ts';
import { selectOrganisation } from './fixtures.ts';
import { isNightly } from './nightly.ts';
import type { TestServer } from './server.ts';
import { createToken, type ListedToken, listTokens } from './tokens.ts';

type Visit = (page: Page, server: TestServer) => Promise<void>;

/** Opens a page and waits until its script runs or has given up. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await untilReady(page);
}

async function untilReady(page: Page): Promise<void> {
  if (await page.evaluate(() => matchMedia('(scripting: enabled)').matches)) {
    await expect(page.locator('html:is([data-hydrated], [data-failed], :not(:has(leptos-island)))')).toBeAttached();
  }
}

/** Whether the page's islands have taken over. */
async function isHydrated(page: Page): Promise<boolean> {
  return (await page.locator('html[data-hydrated]').count()) > 0;
}

async function signIn(page: Page): Promise<void> {
  const [form, { signOut }] = [new SignInPage(page), new Frame(page)];
  await open(page, '/sign-in');
  await form.signIn(ADMIN);
  await expect(page).toHaveURL('/');
  await untilReady(page);
  await signOut.click();
  await expect(form.heading).toBeVisible();
  await untilReady(page);
  await form.signIn(ADMIN);
  await expect(page).toHaveURL('/');
}

async function organisations(page: Page): Promise<void> {
  const [{ switcher }, locked] = [new Frame(page), new LockedItem(page)];
  await open(page, '/events');
  if ((await page.locator('.switcher').count()) === 0) {
    // An extension has removed it.
    return selectOrganisation(page.request, SUMMIT);
  }
  const select = async (organisation: string) => {
    await switcher.button.click();
    await switcher.option(organisation).click();
    await expect(switcher.button).toContainText(organisation);
    await untilReady(page);
  };
  await select('First Steps (907)');
  await locked.item.click();
  await expect(locked.dialog).toBeVisible();
  await locked.close.click();
  await expect(locked.dialog).toBeHidden();
  await select('Summit Races (903)');
}

async function events(page: Page): Promise<void> {
  const [events, frame] = [new EventsPage(page), new Frame(page)];
  await open(page, '/events');
  const copy = events.copyId(EVENT);
  if (await isHydrated(page)) {
    await copy.click();
    await expect(frame.confirmations).toContainText(`Event ID ${EVENT} copied.`);
  } else {
    await expect(copy, 'only script can copy').toBeHidden();
  }
  await events.next.click();
  await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
}

/** In dialogs, or with the forms that need no script. */
async function tokens(page: Page, server: TestServer): Promise<void> {
  const zone = new DeveloperZonePage(page);
  const { dialog, field, done, closeWithoutCopying } = zone.newToken;
  const before = (await listTokens(server)).length;
  await open(page, '/developer-zone');
  await zone.createToken.click();
  const form = page.locator('main form', { hasText: 'Name' }).getByRole('button', { name: 'Create Token' });
  await zone.createDialog.create.or(form).click();
  const plainText = page.getByRole('status', { name: /^API token/ });
  await expect(field.or(plainText)).toBeVisible();
  const shown = (await field.isVisible()) ? await field.inputValue() : await plainText.innerText();
  const token = shown.trim();
  expect(token).toMatch(/^[0-9A-Za-z]{46}$/);
  const preview = previewOf(token);
  await done.or(page.getByRole('main').getByRole('link', { name: 'Done' })).click();
  if (await dialog.isVisible()) {
    await closeWithoutCopying.click();
  }
  await expect(dialog).toBeHidden();

  const row = zone.row(preview);
  await expect(row.cells.nth(3), 'when it was created').toHaveText(/\p{Nd}/u);
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  await expect(row.switch).not.toBeChecked();
  expect((await listTokens(server)).find(({ token }) => token === preview)?.status).toBe('inactive');

  await row.delete.click();
  const onPage = page.getByRole('main').getByRole('button', { name: 'Delete', exact: true });
  await zone.deleteDialog.delete.or(onPage).click();
  await expect(page.getByRole('status').filter({ hasText: `${preview} was deleted` })).toBeVisible();
  await expect(row.row).toHaveCount(0);
  expect(await listTokens(server)).toHaveLength(before);

  await zone.menu.click();
  await zone.deactivateAll.click();
  const link = page.getByRole('main').getByRole('link', { name: 'Cancel' });
  await zone.deactivateAllDialog.cancel.or(link).click();
  await expect(page).toHaveURL('/developer-zone');
}

async function token(page: Page, server: TestServer): Promise<void> {
  await createToken(server);
  const [{ id }, ...others] = (await listTokens(server)) as [ListedToken, ...ListedToken[]];
  const message = page.locator('#flash-message');
  await open(page, `/developer-zone/tokens/${id}`);
  for (const [name, result] of [
    ['x'.repeat(61), /too long/],
    ['Gallery', 'The name was changed.'],
  ] as const) {
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByRole('button', { name: 'Save name' }).click();
    await expect(message).toContainText(result);
    await untilReady(page);
  }
  for (const result of ['is inactive', 'is active']) {
    await page.getByRole('switch').click();
    await expect(message).toContainText(result);
  }
  await page.getByText('Delete token…').click();
  await page.getByRole('main').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page).toHaveURL('/developer-zone');
  expect(await listTokens(server)).toEqual(others);
}

async function activity(page: Page): Promise<void> {
  const activity = new ActivityPage(page);
  await open(page, ActivityPage.PATH);
  const downloading = page.waitForEvent('download');
  await activity.download.click();
  await (await downloading).delete();
  await activity.kind.selectOption('Signed in');
  await activity.filter.click();
  await expect(page).toHaveURL(/kind=/);
  await expect(activity.kind.locator('option:checked')).toHaveText('Signed in');
  await expect(activity.table).toContainText('signed in');
}

async function account(page: Page): Promise<void> {
  const account = new AccountPage(page);
  await open(page, '/account');
  await account.changePassword(PASSWORD, 'Password1234');
  await expect(account.next).toHaveAccessibleDescription(/too common/);
  await untilReady(page);
  await account.signOutEverywhere.click();
  await expect(new SignInPage(page).heading).toBeVisible();
}

async function documentation(page: Page): Promise<void> {
  const docs = new DocumentationPage(page);
  const example = docs.example();
  await page.goto('/docs');
  if (await example.tabs.count()) {
    await example.tab('Python').click();
    await expect(example.selected).toHaveText('Python');
    await expect(example.panel).toContainText('import urllib.request');
    await example.block.copy.click();
    await expect(example.block.status).toHaveText('Copied');
  } else {
    await expect(example.group.locator('pre').last()).toBeVisible();
    await expect(page.getByRole('button')).toHaveCount(0);
  }
}

/** In this order, the first signs in, and the last but one signs out. */
const VISITS: readonly Visit[] = [signIn, organisations, events, tokens, token, activity, account, documentation];

export async function visitAll(page: Page, server: TestServer): Promise<void> {
  for (const visit of VISITS) {
    await test.step(visit.name, () => visit(page, server));
  }
}

/** Every page in the nightly run, and otherwise one page: call it with 0, 1, 2, … in turn. */
export async function visitSome(page: Page, server: TestServer, turn: number): Promise<void> {
  await (isNightly() ? visitAll(page, server) : VISITS[turn % VISITS.length]!(page, server));
}
