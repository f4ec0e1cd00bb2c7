// Two people, or two tabs, change the same tokens.

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { recordAnnouncements } from '../support/announcements.ts';
import { ADMIN, HARBOUR, MEMBER, SUMMIT } from '../support/demo.ts';
import { ping, PONG } from '../support/external-api.ts';
import { expect, test } from '../support/fixtures.ts';
import { blockPolling, failedToLoad } from '../support/requests.ts';
import { changeByCli, createToken, createTokens, listTokens } from '../support/tokens.ts';

test('a token that someone else deleted can be neither switched nor deleted: the page says so and updates the table', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(404));
  const zone = new DeveloperZonePage(page);
  const { failures } = new Frame(page);
  const [kept, ...others] = (await createTokens(server, 4)).map(previewOf);
  await signIn(MEMBER);
  await blockPolling(page);
  await zone.open();
  for (const [action, before, act] of [
    ['Activate or deactivate', async () => {}, (preview: string) => zone.row(preview).switch.click()],
    [
      'Delete',
      (preview: string) => zone.row(preview).delete.click(),
      () => zone.deleteDialog.delete.click(),
    ],
    [
      'Deactivate instead',
      (preview: string) => zone.row(preview).delete.click(),
      () => zone.deleteDialog.deactivateInstead.click(),
    ],
  ] as const) {
    await test.step(action, async () => {
      const preview = others.pop()!;
      await before(preview);
      await changeByCli(server, 'delete', preview);
      const added = previewOf(await createToken(server));
      await act(preview);
      await expect(zone.deleteDialog.dialog).toBeHidden();
      await expect(failures).toContainText(preview);
      await expect(failures).toContainText(/Someone else deleted this token/);
      await expect(zone.row(preview).row).toHaveCount(0);
      await expect(zone.row(added).row, 'the whole table is updated').toBeVisible();
      if (action === 'Delete') {
        await expect(zone.row(others.at(-1)!).delete, 'the focus moves to the next row').toBeFocused();
      }
      // The message would cover the next button.
      await failures.getByRole('button', { name: 'Dismiss message' }).click();
    });
  }
  await expect(zone.count(4)).toBeVisible();
  await zone.row(kept!).delete.click();
  await changeByCli(server, 'delete', kept!);
  await zone.deleteDialog.delete.click();
  await expect(zone.row(kept!).row).toHaveCount(0);
  await expect(zone.createToken, 'there is no next row').toBeFocused();
});

test('if someone else deletes the token that one is renaming, the page says what is lost, and the focus moves to the next row', async ({
  page,
  signIn,
  server,
}) => {
  const [kept, gone] = (await createTokens(server, 2)).map(previewOf);
  const zone = new DeveloperZonePage(page);
  const { failures } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.rows.getByRole('button', { name: `Name token ${gone}`, exact: true }).click();
  await page.keyboard.type('half typed');
  await changeByCli(server, 'delete', gone!);
  await expect(failures).toContainText(`Someone else deleted token ${gone}. The name “half typed” was not saved.`);
  await expect(zone.row(gone!).row).toHaveCount(0);
  await expect(zone.row(kept!).delete).toBeFocused();
  await zone.row(kept!).switch.focus();
  await changeByCli(server, 'delete', kept!);
  await expect(zone.createToken, 'there is no next row').toBeFocused();
});

test('what others change is announced, and a row that appears is lit', async ({ page, signIn, server }) => {
  const announced = await recordAnnouncements(page);
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const added = await createToken(server);
  const called = (token: string) => `token ${previewOf(token)}`;
  await expect(zone.row(previewOf(added)).row).toHaveClass('row-new');
  await expect(zone.row(previewOf(token)).row).not.toHaveClass('row-new');
  await expect.poll(announced).toEqual([`${MEMBER} created ${called(added)}.`]);
  expect(await ping(server, added)).toEqual(PONG);
  await expect.poll(announced).toContain(`First call with ${called(added)} received.`);
  await expect(zone.row(previewOf(added)).row.locator('.last-use')).toContainText('First call received');
  await changeByCli(server, 'delete', previewOf(token));
  await expect.poll(announced).toContain(`Someone else deleted ${called(token)}.`);
});

test('if someone else deactivated the token first, deactivating it on an outdated page succeeds', async ({
  page,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await blockPolling(page);
  await zone.open();
  await changeByCli(server, 'deactivate', previewOf(token));
  await expect(zone.row(previewOf(token)).status, 'the page is outdated').toHaveText('Active');
  await zone.row(previewOf(token)).switch.click();
  await expect(zone.row(previewOf(token)).status).toHaveText('Inactive');
  expect((await listTokens(server))[0]?.status).toBe('inactive');
});

test('after the plan was lowered, an outdated page changes nothing and shows the reason', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(403));
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  const { failures } = new Frame(page);
  await signIn(MEMBER);
  await blockPolling(page);
  await zone.open();
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'trial');
  await zone.row(previewOf(token)).switch.click();
  await expect(failures).toContainText(/Enterprise plan/);
  await expect(zone.row(previewOf(token)).status).toHaveText('Active');
  await zone.createToken.click();
  await zone.createDialog.create.click();
  await expect(zone.createDialog.dialog).toBeHidden();
  await expect(zone.newToken.dialog).toBeHidden();
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'enterprise');
  const tokens = await listTokens(server);
  expect(tokens.map(({ status }) => status)).toEqual(['active']);
});

test('a tab changes the organisation that it shows, even if another tab has selected another one', async ({
  page,
  context,
  signIn,
  server,
}) => {
  const zone = new DeveloperZonePage(page);
  await signIn(ADMIN, SUMMIT);
  await zone.open();
  const other = await context.newPage();
  await other.goto('/events');
  const { switcher } = new Frame(other);
  await switcher.button.click();
  await switcher.option('Harbour Events (904)').click();
  await expect(switcher.button).toHaveText(/^Harbour Events/);

  const token = await zone.createAndClose();
  expect((await listTokens(server, SUMMIT)).map((listed) => listed.token)).toEqual([previewOf(token)]);
  expect(await listTokens(server, HARBOUR)).toEqual([]);
});
