import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { ADMIN, MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

test('h leads to Home, c creates, / searches the organisations, ? lists the shortcuts; none works in fields or with modifiers', async ({
  page,
  signIn,
}) => {
  const zone = new DeveloperZonePage(page);
  const { switcher } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  await page.keyboard.press('Control+c');
  await expect(zone.createDialog.dialog).toBeHidden();
  await page.keyboard.press('c');
  await expect(zone.createDialog.dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(zone.createDialog.dialog).toBeHidden();
  await page.keyboard.press('?');
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts', exact: true });
  await expect(list).toContainText('Create a token');
  await page.keyboard.press('Escape');
  await expect(list).toBeHidden();
  await page.keyboard.press('/');
  await expect(switcher.search).toBeFocused();
  await expect(switcher.search).toHaveValue('');
  await page.keyboard.type('c?/');
  await expect(switcher.search).toHaveValue('c?/');
  await expect(zone.createDialog.dialog).toBeHidden();
  // The first one clears the field, the second one closes the list.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await page.keyboard.press('h');
  await expect(page).toHaveURL('/');
});

test('while the form that one has asked for is being loaded, keys are no shortcuts', async ({
  page,
  signIn,
  server,
}) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  let load = () => {};
  const loaded = new Promise<void>((resolve) => (load = resolve));
  await page.route('**/split_dialogs*.wasm', async (route) => {
    await loaded;
    await route.continue();
  });
  await signIn(MEMBER);
  await zone.open();
  await zone.rows.getByRole('button', { name: `Name token ${preview}`, exact: true }).click();
  await page.keyboard.press('h');
  load();
  await expect(zone.rows.getByRole('textbox', { name: `Name of token ${preview}`, exact: true })).toBeFocused();
});

test('while an input method composes, Enter, arrows and Escape are its own; a key without a name does nothing', async ({
  page,
  server,
  signIn,
}) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  const { switcher } = new Frame(page);
  await signIn(ADMIN, SUMMIT);
  await zone.open();
  await page.keyboard.press('/');
  await switcher.search.fill('harbour');
  await expect(switcher.options).toHaveCount(1);
  for (const composing of [{ isComposing: true }, { keyCode: 229 }]) {
    for (const key of ['Enter', 'ArrowDown', 'ArrowUp']) {
      await switcher.search.dispatchEvent('keydown', { key, ...composing });
      await expect(switcher.search).toBeFocused();
    }
  }
  // What Chromium sends when it fills a field.
  const withoutKey = (field: HTMLElement) =>
    field.dispatchEvent(new Event('keydown', { bubbles: true, cancelable: true }));
  await switcher.search.evaluate(withoutKey);
  await page.keyboard.press('Escape');
  await expect(switcher.button, 'no organisation was selected').toHaveText(/^Summit Races/);

  await zone.rows.getByRole('button', { name: `Name token ${preview}`, exact: true }).click();
  const field = zone.rows.getByRole('textbox', { name: `Name of token ${preview}`, exact: true });
  await field.fill('東京');
  await field.dispatchEvent('keydown', { key: 'Escape', isComposing: true });
  await field.evaluate(withoutKey);
  await expect(field).toHaveValue('東京');
  await field.press('Escape');
  await expect(field).toBeHidden();
});

test('on a phone / opens the menu first', async ({ page, signIn }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(ADMIN);
  await openPage(page, '/events');
  await page.keyboard.press('/');
  await expect(new Frame(page).switcher.search).toBeFocused();
});

test('shortcuts can be turned off, and stay off on the next page', async ({ page, signIn }) => {
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await page.getByRole('button', { name: 'Keyboard shortcuts', exact: true }).click();
  const list = page.getByRole('dialog', { name: 'Keyboard shortcuts', exact: true });
  const use = list.getByRole('checkbox', { name: 'Use keyboard shortcuts', exact: true });
  await use.uncheck();
  await list.getByRole('button', { name: 'Close', exact: true }).click();
  await page.keyboard.press('c');
  await openPage(page, '/developer-zone');
  await page.keyboard.press('c');
  await expect(zone.createDialog.dialog).toBeHidden();
  await page.getByRole('button', { name: 'Keyboard shortcuts', exact: true }).click();
  await expect(use).not.toBeChecked();
  await use.check();
  await page.keyboard.press('Escape');
  await page.keyboard.press('c');
  await expect(zone.createDialog.dialog).toBeVisible();
});
