import type { Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER } from '../support/demo.ts';
import { clipboardText, holdClipboard } from '../support/clipboard.ts';
import { expect, test } from '../support/fixtures.ts';
import {
  answerUnavailable,
  breakConnection,
  CONNECTION_FAILED,
  countRequests,
  failedToLoad,
  HeldRequests,
  unwatched,
} from '../support/requests.ts';
import { createToken, createTokens, listTokens } from '../support/tokens.ts';

/** What is selected in the field that has the focus. */
async function selectedText(page: Page): Promise<string> {
  return page.evaluate(() => {
    const field = document.activeElement as HTMLInputElement;
    return field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
  });
}

test('the dialog says that the token is shown only once; Cancel and Escape make none', async ({
  page,
  signIn,
  server,
}) => {
  const zone = new DeveloperZone(page);
  const { dialog, cancel } = zone.createDialog;
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await expect(dialog).toContainText('The full token will be shown only once');
  await cancel.click();
  await expect(dialog).toBeHidden();
  await expect(zone.createToken).toBeFocused();
  await zone.createToken.click();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(zone.empty).toBeVisible();
  expect(await listTokens(server)).toEqual([]);
});

test('a dialog that is opened again at once after it was closed stays open', async ({
  page,
  signIn,
}) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await expect(zone.createDialog.dialog).toBeVisible();
  // Within one task of the browser, as on a busy machine: its `close` event comes only afterwards.
  const reopened = await page.evaluate(async () => {
    const dialog = document.querySelector<HTMLDialogElement>('dialog:modal')!;
    const press = async (scope: string, text: string) => {
      const before = dialog.open;
      const buttons = [...document.querySelectorAll<HTMLElement>(`${scope} button`)];
      buttons.find((button) => button.textContent.trim() === text)!.click();
      for (let step = 0; step < 1_000 && dialog.open === before; step += 1) {
        await Promise.resolve();
      }
      return dialog.open !== before;
    };
    return (await press('dialog:modal', 'Cancel')) && (await press('main section', 'Create Token'));
  });
  expect(reopened, 'closed, then opened').toBe(true);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  expect(await zone.createDialog.dialog.isVisible()).toBe(true);
});

test('the new token’s value is selected as soon as it is shown', async ({ page, signIn }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  await expect(zone.newToken.field).toBeFocused();
  await expect.poll(() => selectedText(page)).toBe(token);
});

test('the new token is shown whole and read-only, selected on focus, and its row stands on top', async ({
  page,
  signIn,
  server,
}) => {
  const [older] = await createTokens(server, 1);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  await expect(zone.newToken.field).toHaveAttribute('readonly');
  await expect(zone.newToken.field).toBeFocused();
  await expect(zone.newToken.dialog).toContainText(/cannot be shown again/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Shift+Tab');
  expect(await selectedText(page)).toBe(token);

  await zone.newToken.done.click();
  await expect(zone.newToken.dialog).toBeHidden();
  await expect(zone.createToken).toBeFocused();
  await expect(zone.rows.locator('td:nth-child(1)')).toHaveText([previewOf(token), previewOf(older!)]);
  await expect(zone.row(previewOf(token)).status).toHaveText('Active');
  await expect(zone.row(previewOf(token)).cells.nth(2)).toHaveText(MEMBER);
  await expect(zone.count(2)).toBeVisible();
});

test('while it runs the button shows progress, and further clicks and Enter make no second token', async ({
  page,
  signIn,
  server,
}) => {
  const zone = new DeveloperZone(page);
  const { create, dialog } = zone.createDialog;
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'create-token');
  await zone.createToken.click();
  await create.dblclick();
  await held.untilOneArrived();
  await expect(create).toHaveAttribute('aria-busy', 'true');
  await create.click({ force: true });
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(dialog, 'it stays until the answer is there').toBeVisible();
  await held.release();
  await expect(zone.newToken.field).toHaveValue(/^.{46}$/);
  expect(held.count).toBe(1);
  expect(await listTokens(server)).toHaveLength(1);
});

test('a double click makes one token', async ({ page, signIn, server }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const creations = countRequests(page, 'create-token');
  await zone.createToken.click();
  await zone.createDialog.create.dblclick();
  await expect(zone.newToken.field).toHaveValue(/^.{46}$/);
  expect(creations()).toBe(1);
  expect(await listTokens(server)).toHaveLength(1);
});

test('leaving the page warns as long as the answer with the token is on its way', async ({
  page,
  signIn,
  server,
}) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await page.goto('/events');
  await zone.open();
  const held = await HeldRequests.of(page, 'create-token');
  await zone.createToken.click();
  await zone.createDialog.create.click();
  await held.untilOneArrived();
  const warning = page.waitForEvent('dialog');
  await page.evaluate(() => history.back());
  const dialog = await warning;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.dismiss();
  await held.release();
  await expect(zone.newToken.field).toHaveValue(/^.{46}$/);
  expect(await listTokens(server)).toHaveLength(1);
});

test('a creation that failed says why and makes no row', async ({ page, signIn, server, collector }) => {
  collector.allow(failedToLoad(503));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const mend = await answerUnavailable(page, 'create-token');
  await zone.createToken.click();
  await zone.createDialog.create.click();
  await expect(new Frame(page).failures).toContainText(/Nothing was changed/);
  await expect(zone.newToken.dialog).toBeHidden();
  await expect(zone.rows).toHaveCount(0);
  await mend();
  expect(await listTokens(server)).toEqual([]);
});

test('a connection that broke while creating is named, with what to do', async ({
  page,
  signIn,
  collector,
}) => {
  collector.allow(CONNECTION_FAILED);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await breakConnection(page, 'create-token');
  await zone.createToken.click();
  await zone.createDialog.create.click();
  await expect(new Frame(page).failures).toContainText(/could not be reached/);
  await expect(zone.newToken.dialog).toBeHidden();
});

test('where somebody else took the last place, it is said and the table catches up', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(409));
  await createTokens(server, 9);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await unwatched(page);
  await zone.open();
  await createToken(server);
  await zone.createToken.click();
  await zone.createDialog.create.click();
  await expect(new Frame(page).failures).toContainText(
    'You have reached the limit of 10 tokens. Delete an existing token to create a new one.',
  );
  await expect(zone.count(10)).toBeVisible();
  await expect(zone.rows).toHaveCount(10);
  await expect(zone.newToken.dialog).toBeHidden();
});

test.describe('shown token', () => {
  test('Escape asks once and loses nothing, however often it is pressed', async ({ page, signIn }) => {
    const zone = new DeveloperZone(page);
    const { dialog, field, question, keepOpen, closeAnyway } = zone.newToken;
    await signIn(MEMBER);
    await zone.open();
    const token = await zone.create();
    await expect(question).toHaveCount(0);
    for (let time = 0; time < 4; time += 1) {
      await page.keyboard.press('Escape');
      await expect(question).toHaveCount(1);
      await expect(dialog).toBeVisible();
      await expect(field).toHaveValue(token);
    }
    await keepOpen.click();
    await expect(question).toHaveCount(0);
    await expect(dialog).toBeVisible();
    await expect(field).toHaveValue(token);

    await page.keyboard.press('Escape');
    await closeAnyway.click();
    await expect(dialog).toBeHidden();
    await expect(page.getByLabel('API token', { exact: true })).toHaveValue('');
  });

  test('asking and keeping it open leaves the focus in the dialog', async ({ page, signIn }) => {
    const zone = new DeveloperZone(page);
    const { dialog, keepOpen } = zone.newToken;
    await signIn(MEMBER);
    await zone.open();
    await zone.create();
    await page.keyboard.press('Escape');
    await expect(keepOpen).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(keepOpen).toHaveCount(0);
    await expect(dialog.locator(':focus')).toHaveCount(1);
  });

  test('a click beside it asks and loses nothing', async ({ page, signIn }) => {
    const zone = new DeveloperZone(page);
    const { dialog, field, question, keepOpen } = zone.newToken;
    await signIn(MEMBER);
    await zone.open();
    const token = await zone.create();
    await page.mouse.click(5, 5);
    await expect(question).toBeVisible();
    await page.mouse.click(1270, 790);
    await expect(question).toHaveCount(1);
    await expect(dialog).toBeVisible();
    await keepOpen.click();
    await expect(question).toHaveCount(0);
    await expect(field).toHaveValue(token);
  });

  test('leaving the page warns while it is shown, and no longer after Done', async ({
    page,
    signIn,
  }) => {
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await zone.open();
    const token = await zone.create();
    const warnings: string[] = [];
    page.on('dialog', async (dialog) => {
      warnings.push(dialog.type());
      await dialog.dismiss();
    });
    await page.evaluate(() => location.reload());
    await expect.poll(() => warnings).toEqual(['beforeunload']);
    await expect(zone.newToken.field).toHaveValue(token);

    await zone.newToken.done.click();
    await page.goto('/events');
    await expect(new EventsPage(page).heading).toBeVisible();
    expect(warnings).toHaveLength(1);
  });

  test('going back warns', async ({ page, signIn }) => {
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await page.goto('/events');
    await zone.open();
    const token = await zone.create();
    const warning = page.waitForEvent('dialog');
    await page.evaluate(() => history.back());
    const dialog = await warning;
    expect(dialog.type()).toBe('beforeunload');
    await dialog.dismiss();
    await expect(zone.newToken.field).toHaveValue(token);
  });
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('Copied is said once the clipboard has the token, and not before', async ({ page, signIn }) => {
    const letTheClipboardAccept = await holdClipboard(page);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await zone.open();
    await page.evaluate(() => navigator.clipboard.write([new ClipboardItem({ 'text/plain': 'before' })]));
    const token = await zone.create();
    await zone.newToken.copy.click();
    await expect(zone.newToken.status).toHaveText('');
    expect(await clipboardText(page)).toBe('before');
    await letTheClipboardAccept();
    await expect(zone.newToken.status).toHaveText('Copied');
    expect(await clipboardText(page)).toBe(token);

    await zone.newToken.done.click();
    await zone.create();
    await expect(zone.newToken.status, 'of the next token nothing was copied').toHaveText('');
  });
});

for (const [how, refuse] of [
  [
    'refuses',
    () => {
      Clipboard.prototype.writeText = () =>
        Promise.reject(new DOMException('no', 'NotAllowedError'));
    },
  ],
  [
    'has no clipboard at all',
    () => {
      Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined });
    },
  ],
] as const) {
  test(`where the browser ${how}, the token is selected and it is said how to copy it by hand`, async ({
    page,
    signIn,
  }) => {
    await page.addInitScript(refuse);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await zone.open();
    const token = await zone.create();
    await zone.newToken.copy.click();
    await expect(zone.newToken.status).toContainText(/Ctrl\+C/);
    await expect(zone.newToken.status).not.toContainText('Copied');
    await expect(zone.newToken.field).toBeFocused();
    expect(await selectedText(page)).toBe(token);
  });
}
