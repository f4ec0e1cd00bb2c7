import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

test('a name given at creation stands first in the row, in the dialog of deletion, and in what is said', async ({
  page,
  signIn,
}) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await expect(zone.createDialog.name, 'the first thing that one may type').toBeFocused();
  await page.keyboard.type('  Website <b>gallery</b> ');
  await page.keyboard.press('Enter');
  const preview = previewOf(await zone.newToken.field.inputValue());
  await zone.newToken.done.click();
  const row = zone.rows.first();
  await expect(row.getByRole('link')).toHaveText(`Website <b>gallery</b>${preview}`);

  const called = `Website <b>gallery</b> (${preview})`;
  await row.getByRole('switch', { name: `Token ${called} active`, exact: true }).click();
  await expect(new Frame(page).confirmations).toContainText(`Token ${called} is inactive.`);
  await row.getByRole('button', { name: `Delete token ${called}`, exact: true }).click();
  await expect(zone.deleteDialog.dialog).toContainText(`Token Website <b>gallery</b> ${preview} will`);
  await zone.deleteDialog.delete.click();
  await expect(new Frame(page).confirmations).toContainText(`Token ${called} was deleted.`);
});

test('a token without a name is called by its preview alone', async ({ page, signIn, server }) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.row(preview).cells.nth(0)).toHaveText(preview);
});

test('a name is changed in its place by keyboard: Enter saves, Escape does not, and the focus comes back', async ({
  page,
  signIn,
  server,
}) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const cell = zone.row(preview).cells.nth(0);
  const field = zone.rows.getByRole('textbox', { name: `Name of token ${preview}`, exact: true });
  const change = zone.rows.getByRole('button', { name: /^(Name|Rename) token / });

  await change.press('Enter');
  await expect(field).toBeFocused();
  await page.keyboard.type('Kiosk');
  await page.keyboard.press('Enter');
  await expect(cell).toHaveText(`Kiosk${preview}`);
  await expect(change).toBeFocused();
  await expect(change).toHaveAccessibleName(`Rename token ${preview}`);

  await change.press('Enter');
  await expect(field, 'selected, to be typed over').toHaveValue('Kiosk');
  await page.keyboard.type('Something else');
  await page.keyboard.press('Escape');
  await expect(cell).toHaveText(`Kiosk${preview}`);
  await expect(change).toBeFocused();

  await change.press('Enter');
  await page.keyboard.press('Delete');
  await page.keyboard.press('Enter');
  await expect(cell, 'a name can be taken away').toHaveText(preview);
  await page.reload();
  await expect(cell).toHaveText(preview);
});

test('what cannot be a name is refused in words, and what was typed stays', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(422));
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const unseen = 'Kiosk\u202e';
  await zone.rows.getByRole('button', { name: `Name token ${preview}`, exact: true }).click();
  const field = zone.rows.getByRole('textbox', { name: `Name of token ${preview}`, exact: true });
  await field.fill(unseen);
  await field.press('Enter');
  await expect(zone.rows.getByRole('alert')).toContainText(/invisible characters/);
  await expect(field).toHaveValue(unseen);
  await field.press('Escape');

  await zone.createToken.click();
  await zone.createDialog.name.fill(unseen);
  await zone.createDialog.create.click();
  const { dialog } = zone.createDialog;
  await expect(dialog.getByRole('alert')).toContainText(/invisible characters/);
  await expect(zone.createDialog.name).toHaveValue(unseen);
  expect(await listTokens(server)).toHaveLength(1);
});
