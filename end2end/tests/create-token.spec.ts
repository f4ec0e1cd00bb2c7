import type { Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { brokenClipboard, clipboardText, holdClipboard, noClipboard, refuseClipboard } from '../support/clipboard.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import {
  respondUnavailable,
  blockPolling,
  breakConnection,
  CONNECTION_FAILED,
  failedToLoad,
  HeldRequests,
} from '../support/requests.ts';
import { createToken, createTokens, listTokens } from '../support/tokens.ts';

/** The selected text of the focused field. */
async function selectedText(page: Page): Promise<string> {
  return page.evaluate(() => {
    const field = document.activeElement as HTMLInputElement;
    return field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0);
  });
}

test('the dialog warns that the token is shown only once, and Cancel and Escape create none', async ({
  page,
  signIn,
  server,
}) => {
  const zone = new DeveloperZonePage(page);
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

  await test.step('a dialog that is closed and opened within one browser task stays open', async () => {
    await zone.createToken.click();
    await expect(dialog).toBeVisible();
    // On a busy machine the dialog's `close` event may come after it was opened again.
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
    expect(await dialog.isVisible()).toBe(true);
  });
});

test('the new token is selected, read-only and complete, and its row is the first one', async ({
  page,
  signIn,
  server,
}) => {
  const older = await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  await expect(zone.newToken.field).toBeFocused();
  await expect.poll(() => selectedText(page)).toBe(token);
  await expect(zone.newToken.field).toHaveAttribute('readonly');
  await expect(zone.newToken.dialog).toContainText(/cannot be shown again/);
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Shift+Tab');
  expect(await selectedText(page), 'selected again on focus').toBe(token);

  await zone.newToken.putAway();
  await expect(zone.createToken).toBeFocused();
  await expect(zone.rows.locator('th')).toHaveText([previewOf(token), previewOf(older)]);
  await expect(zone.row(previewOf(token)).status).toHaveText('Active');
  await expect(zone.row(previewOf(token)).cells.nth(2)).toHaveText(MEMBER);
  await expect(zone.count(2)).toBeVisible();
});

test('during creation the button shows progress, and further clicks and keys create no second token', async ({
  page,
  signIn,
  server,
}) => {
  const zone = new DeveloperZonePage(page);
  const { create, cancel, dialog } = zone.createDialog;
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'create-token');
  await zone.createToken.click();
  await create.dblclick();
  await held.untilOneArrived();
  await expect(create).toHaveAttribute('aria-busy', 'true');
  await expect(cancel, 'it cannot be cancelled').toHaveAttribute('aria-disabled', 'true');
  await create.click({ force: true });
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(dialog, 'open until the response arrives').toBeVisible();
  await held.release();
  await expect(zone.newToken.field).toHaveValue(/^.{46}$/);
  expect(held.count).toBe(1);
  expect(await listTokens(server)).toHaveLength(1);
});

test('leaving the page needs a confirmation from the creation until Done', async ({ page, signIn, server }) => {
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await page.goto('/events');
  await zone.open();
  const warnings: string[] = [];
  page.on('dialog', async (dialog) => {
    warnings.push(dialog.type());
    await dialog.dismiss();
  });
  const held = await HeldRequests.of(page, 'create-token');
  await zone.createToken.click();
  await zone.createDialog.create.click();
  await held.untilOneArrived();
  await page.evaluate(() => history.back());
  await expect.poll(() => warnings, 'while the request is under way').toEqual(['beforeunload']);
  await held.release();
  await expect(zone.newToken.field).toHaveValue(/^.{46}$/);
  expect(await listTokens(server)).toHaveLength(1);
  const token = await zone.newToken.field.inputValue();

  await page.evaluate(() => history.back());
  await expect.poll(() => warnings, 'on Back').toHaveLength(2);
  await page.evaluate(() => location.reload());
  await expect.poll(() => warnings, 'on Reload').toHaveLength(3);
  expect(new Set(warnings)).toEqual(new Set(['beforeunload']));
  await expect(zone.newToken.field).toHaveValue(token);

  await zone.newToken.putAway();
  await page.goto('/events');
  await expect(new EventsPage(page).heading).toBeVisible();
  expect(warnings, 'after Done').toHaveLength(3);
});

test('after a failed creation the dialog stays open with the reason and what was typed, and the next try creates one', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(503), CONNECTION_FAILED);
  const zone = new DeveloperZonePage(page);
  const { dialog, name, create, cancel } = zone.createDialog;
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await name.fill('Kiosk');
  await page.mouse.click(5, 5);
  await expect(name, 'a click beside the dialog loses nothing').toHaveValue('Kiosk');
  for (const [fail, reason] of [
    [respondUnavailable, /Nothing was changed/],
    [breakConnection, /could not be reached/],
  ] as const) {
    const restore = await fail(page, 'create-token');
    await create.click();
    await expect(dialog.getByRole('alert')).toContainText(reason);
    await expect(name).toHaveValue('Kiosk');
    await expect(zone.newToken.dialog).toBeHidden();
    await expect(zone.rows).toHaveCount(0);
    await restore();
  }
  await expectAccessible(page);
  expect(await listTokens(server)).toEqual([]);
  await create.click();
  await expect(zone.newToken.dialog).toContainText(/Kiosk \(.{5}\*{3}\) · Summit Races \(903\)/);
  await zone.newToken.putAway();

  await zone.createToken.click();
  await expect(dialog.getByRole('alert')).toHaveCount(0);
  await expect(name).toHaveValue('');
  await page.mouse.click(5, 5);
  await expect(dialog, 'nothing was typed').toBeHidden();
  await zone.createToken.click();
  await name.fill('Kiosk');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(cancel).toBeHidden();
});

test('if someone else creates the tenth token first, the page says so and updates the table', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(409));
  await createTokens(server, 9);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await blockPolling(page);
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

test('Done, Escape and a click outside ask before they close a token that was not copied', async ({ page, signIn }) => {
  const zone = new DeveloperZonePage(page);
  const { dialog, done, field, question, keepOpen, closeWithoutCopying } = zone.newToken;
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  await expect(question).toHaveCount(0);
  await page.keyboard.press('Escape');
  await expect(keepOpen).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(question).toHaveCount(0);
  await expect(dialog.locator(':focus')).toHaveCount(1);
  await expect(field).toHaveValue(token);

  // Browsers let a page ignore Escape only once in a row.
  for (let time = 0; time < 4; time += 1) {
    await page.keyboard.press('Escape');
    await expect(question).toHaveCount(1);
    await expect(dialog).toBeVisible();
    await expect(field).toHaveValue(token);
  }
  await keepOpen.click();
  await expect(question).toHaveCount(0);

  await page.mouse.click(5, 5);
  await expect(question).toBeVisible();
  await page.mouse.click(1270, 790);
  await expect(question).toHaveCount(1);
  await expect(dialog).toBeVisible();
  await keepOpen.click();
  await expect(question).toHaveCount(0);
  await expect(field).toHaveValue(token);

  await done.click();
  await expect(keepOpen).toBeFocused();
  await expect(done, 'the question replaces it').toHaveCount(0);
  await expect(field).toHaveValue(token);
  await closeWithoutCopying.click();
  await expect(dialog).toBeHidden();
  await expect(page.getByLabel('API token', { exact: true })).toHaveValue('');
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('the question before closing offers to copy first, and the server hears of the copy', async ({ page, signIn }) => {
    const zone = new DeveloperZonePage(page);
    await signIn(MEMBER);
    await zone.open();
    await zone.create();
    await zone.newToken.done.click();
    const noted = page.waitForResponse('**/api/dashboard/note-copy*');
    await zone.newToken.copyAndClose.click();
    expect((await noted).status()).toBe(200);
    await expect(zone.newToken.dialog).toBeHidden();
    await expect(zone.createToken).toBeFocused();
  });

  test('Copied appears once the clipboard has the token, and not before', async ({ page, signIn }) => {
    const releaseClipboard = await holdClipboard(page);
    const zone = new DeveloperZonePage(page);
    await signIn(MEMBER);
    await zone.open();
    await page.evaluate(() => navigator.clipboard.write([new ClipboardItem({ 'text/plain': 'before' })]));
    const token = await zone.create();
    await zone.newToken.copy.click();
    await expect(zone.newToken.status).toHaveText('');
    expect(await clipboardText(page)).toBe('before');
    await releaseClipboard();
    await expect(zone.newToken.status).toHaveText('Copied');
    await expect(zone.newToken.copy).toHaveText('Copied');
    expect(await clipboardText(page)).toBe(token);
    await expect(zone.newToken.copy, 'some seconds later').toHaveText('Copy token');

    await zone.newToken.done.click();
    await zone.create();
    await expect(zone.newToken.status, 'the next token is not copied').toHaveText('');
    await page.keyboard.press('Escape');
    await expect(zone.newToken.question, 'nor does it close').toBeVisible();
  });

  test('Copied stays as long after a second copy as after the first', async ({ page, signIn }) => {
    const zone = new DeveloperZonePage(page);
    const { copy, status } = zone.newToken;
    await page.clock.install();
    await signIn(MEMBER);
    await zone.open();
    await zone.create();
    await page.clock.pauseAt(Date.now() + 60 * 60_000);
    await copy.click();
    await expect(status).toHaveText('Copied');
    await page.clock.runFor(3_000);
    await copy.click();
    // The second copy changes nothing on the page. This is done only after it.
    await page.evaluate(() => navigator.clipboard.writeText('later'));
    await page.clock.runFor(2_000);
    await expect(status, 'five seconds after the first').toHaveText('Copied');
    await page.clock.runFor(2_000);
    await expect(status, 'four seconds after the second').toHaveText('');
  });

  test('after the token or an example was copied, every way out closes, and leaving the page does not warn', async ({
    page,
    signIn,
  }) => {
    const zone = new DeveloperZonePage(page);
    const { dialog, field, done, copy, status, question } = zone.newToken;
    await signIn(MEMBER);
    await zone.open();
    for (const [how, copyIt, close] of [
      ['copied, and Escape', () => copy.click(), () => page.keyboard.press('Escape')],
      ['copied, and a click outside', () => copy.click(), () => page.mouse.click(5, 5)],
      ['an example, and Done', () => zone.newToken.copyExample('cURL').click(), () => done.click()],
      ['copied by hand, and Done', () => field.press('ControlOrMeta+c'), () => done.click()],
    ] as const) {
      await test.step(how, async () => {
        await zone.create();
        await copyIt();
        await expect(dialog.locator('[data-done]')).toHaveCount(1);
        await close();
        await expect(dialog).toBeHidden();
      });
    }
    await zone.create();
    await page.keyboard.press('Escape');
    await expect(question).toBeVisible();
    await copy.click();
    await expect(status).toHaveText('Copied');
    await expect(question, 'copying answers it').toHaveCount(0);
    await page.goto('/events');
    await expect(new EventsPage(page).heading).toBeVisible();
  });
});

test('if the browser refuses to copy or has no clipboard, the token is selected and the page says how to copy it', async ({
  context,
  signIn,
}) => {
  await signIn(MEMBER);
  for (const prepare of [refuseClipboard, noClipboard, brokenClipboard]) {
    const page = await context.newPage();
    await prepare(page);
    const zone = new DeveloperZonePage(page);
    await zone.open();
    const token = await zone.create();
    await zone.newToken.copy.click();
    await expect(zone.newToken.status).toContainText(/Ctrl\+C/);
    await expect(zone.newToken.status).not.toContainText('Copied');
    await expect(zone.newToken.field).toBeFocused();
    expect(await selectedText(page)).toBe(token);
  }
});
