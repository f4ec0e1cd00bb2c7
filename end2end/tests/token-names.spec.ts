import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

test('a name given at creation comes first in the row, the deletion dialog and the messages', async ({
  page,
  signIn,
}) => {
  const zone = new DeveloperZonePage(page);
  const { confirmations } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createToken.click();
  await expect(zone.createDialog.name, 'the first field of the dialog').toBeFocused();
  await page.keyboard.type('  Website <b>gallery</b> ');
  await page.keyboard.press('Enter');
  const preview = previewOf(await zone.newToken.field.inputValue());
  await zone.newToken.putAway();
  const row = zone.rows.first();
  await expect(row.getByRole('link')).toHaveText(`Website <b>gallery</b>${preview}`);

  const token = `Website <b>gallery</b> (${preview})`;
  await row.getByRole('switch', { name: `Token ${token} active`, exact: true }).click();
  await expect(confirmations).toContainText(`Token ${preview} is inactive.`);
  await row.getByRole('button', { name: `Delete token ${token}`, exact: true }).click();
  await expect(zone.deleteDialog.dialog).toContainText(`Token Website <b>gallery</b> ${preview} will`);
  await zone.deleteDialog.delete.click();
  await expect(confirmations).toContainText(`Token ${preview} was deleted.`);
});

test('a name is edited in its row by keyboard: Enter saves, Escape cancels, and the focus returns', async ({
  page,
  signIn,
  server,
}) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const cell = zone.row(preview).cells.nth(0);
  const field = zone.rows.getByRole('textbox', { name: `Name of token ${preview}`, exact: true });
  const edit = zone.rows.getByRole('button', { name: /^(Name|Rename) token / });
  await expect(cell, 'a token without a name').toHaveText(preview);

  await edit.press('Enter');
  await expect(field).toBeFocused();
  await page.keyboard.type('Kiosk');
  await page.keyboard.press('Enter');
  await expect(cell).toHaveText(`Kiosk${preview}`);
  await expect(edit).toBeFocused();
  await expect(edit).toHaveAccessibleName(`Rename token ${preview}`);

  await edit.press('Enter');
  await expect(field, 'selected, so typing replaces it').toHaveValue('Kiosk');
  await page.keyboard.type('Something else');
  await page.keyboard.press('Escape');
  await expect(cell).toHaveText(`Kiosk${preview}`);
  await expect(edit).toBeFocused();

  await edit.press('Enter');
  await page.keyboard.press('Delete');
  await page.keyboard.press('Enter');
  await expect(cell, 'a name can be removed').toHaveText(preview);
  await page.reload();
  await expect(cell).toHaveText(preview);
});

test('an invalid name is refused with the reason, and the typed text stays', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(422));
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const invisible = 'Kiosk\u202e';
  await zone.rows.getByRole('button', { name: `Name token ${preview}`, exact: true }).click();
  const field = zone.rows.getByRole('textbox', { name: `Name of token ${preview}`, exact: true });
  await field.fill(invisible);
  await field.press('Enter');
  await expect(zone.rows.getByRole('alert')).toContainText(/invisible characters/);
  await expect(field).toHaveValue(invisible);
  await field.press('Escape');

  await zone.createToken.click();
  await zone.createDialog.name.fill(invisible);
  await zone.createDialog.create.click();
  const { dialog } = zone.createDialog;
  await expect(dialog.getByRole('alert')).toContainText(/invisible characters/);
  await expect(zone.createDialog.name).toHaveValue(invisible);
  expect(await listTokens(server)).toHaveLength(1);
});
