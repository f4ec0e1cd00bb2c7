import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER } from '../support/demo.ts';
import { ping, PONG, refusal } from '../support/external-api.ts';
import { expect, test } from '../support/fixtures.ts';
import { respondUnavailable, failedToLoad, HeldRequests } from '../support/requests.ts';
import { createToken, createTokens, listTokens } from '../support/tokens.ts';

test('the dialog names the token and the loss, has the focus on Cancel, and offers to deactivate instead', async ({
  page,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  const { dialog, cancel, deactivateInstead } = zone.deleteDialog;
  await signIn(MEMBER);
  await zone.open();
  const row = zone.row(previewOf(token));
  await row.delete.click();
  await expect(dialog).toBeVisible();
  await expect(dialog).toHaveAccessibleDescription(new RegExp(token.slice(0, 5) + '\\*\\*\\*'));
  await expect(dialog).toContainText(/lose access immediately/);
  await expect(dialog).toContainText(/cannot be recovered/);
  await expect(dialog).toContainText('Never used');
  await expect(cancel).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(row.delete).toBeFocused();
  await row.delete.click();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(row.delete).toBeFocused();
  expect(await ping(server, token)).toEqual(PONG);
  await expect(row.row, 'the call has arrived').toContainText('First call received');
  await row.delete.click();
  await expect(dialog).toContainText(/Last used .+ · 1 call in 7 days/);
  await deactivateInstead.click();
  await expect(dialog).toBeHidden();
  await expect(row.status).toHaveText('Inactive');
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_inactive' });
  await expect(row.delete).toBeFocused();

  await row.delete.click();
  await expect(cancel).toBeVisible();
  await expect(deactivateInstead, 'the token is inactive already').toHaveCount(0);
  await zone.deleteDialog.delete.click();
  await expect(zone.empty).toBeVisible();
  expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_invalid' });
});

test('a deleted token is gone from the page and refused by the next call; the focus moves to the next row, finally to Create Token', async ({
  page,
  signIn,
  server,
}) => {
  const [third, second, first] = await createTokens(server, 3);
  const zone = new DeveloperZonePage(page);
  const frame = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  const deleteRow = async (token: string) => {
    await zone.row(previewOf(token)).delete.click();
    await zone.deleteDialog.delete.click();
    await expect(zone.deleteDialog.dialog).toBeHidden();
    await expect(zone.row(previewOf(token)).row).toHaveCount(0);
    await expect(frame.confirmations).toContainText(`Token ${previewOf(token)} was deleted`);
    expect(refusal(await ping(server, token))).toEqual({ status: 403, code: 'token_invalid' });
  };
  await deleteRow(second!);
  await expect(zone.row(previewOf(third!)).delete).toBeFocused();
  await expect(zone.count(2)).toBeVisible();
  await deleteRow(third!);
  await expect(zone.createToken, 'there is no next row').toBeFocused();
  expect(await ping(server, first)).toEqual(PONG);
  await deleteRow(first!);
  await expect(zone.empty).toBeVisible();
  await expect(zone.createToken, 'there is no row at all').toBeFocused();
  expect(await listTokens(server)).toEqual([]);
});

test('a failed deletion keeps the token and shows the reason', async ({ page, signIn, server, pageErrors }) => {
  pageErrors.allow(failedToLoad(503));
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await respondUnavailable(page, 'delete-token');
  const row = zone.row(previewOf(token));
  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(new Frame(page).failures).toContainText(/Nothing was changed/);
  await expect(zone.deleteDialog.dialog).toBeHidden();
  await expect(row.status).toHaveText('Active');
  await expect(row.delete).toBeFocused();
  expect(await ping(server, token)).toEqual(PONG);
});

test('during deletion the button shows progress, the row stays, and further clicks send nothing', async ({
  page,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  const { dialog, delete: confirm } = zone.deleteDialog;
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'delete-token');
  const row = zone.row(previewOf(token));
  await row.delete.click();
  await confirm.dblclick();
  await held.untilOneArrived();
  await expect(confirm).toHaveAttribute('aria-busy', 'true');
  await confirm.click({ force: true });
  await page.keyboard.press('Escape');
  await expect(dialog).toBeVisible();
  await expect(row.row).toHaveCount(1);
  expect(await ping(server, token)).toEqual(PONG);
  await held.release();
  await expect(zone.empty).toBeVisible();
  expect(held.count).toBe(1);
});
