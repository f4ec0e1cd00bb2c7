import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { ADMIN, MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, signIn as signInWith, test } from '../support/fixtures.ts';
import { failedToLoad, unwatched } from '../support/requests.ts';
import { createToken, createTokens, elsewhere, listTokens } from '../support/tokens.ts';

test.describe('a token that somebody else has deleted', () => {
  test.beforeEach(({ collector }) => collector.allow(failedToLoad(404)));

  test('cannot be switched: it is said, and the table catches up', async ({
    page,
    signIn,
    server,
  }) => {
    const [kept, deleted] = await createTokens(server, 2);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await unwatched(page);
    await zone.open();
    await elsewhere(server, 'delete', previewOf(deleted!));
    const added = await createToken(server);
    await zone.row(previewOf(deleted!)).switch.click();
    const { failures } = new Frame(page);
    await expect(failures).toContainText(previewOf(deleted!));
    await expect(failures).toContainText(/Someone else deleted this token/);
    await expect(zone.rows.locator('td:nth-child(1)')).toHaveText([added, kept!].map(previewOf));
    await expect(zone.count(2)).toBeVisible();
  });

  test('cannot be deleted again: it is said, the table catches up, the focus goes to the next row', async ({
    page,
    signIn,
    server,
  }) => {
    const [kept, deleted] = await createTokens(server, 2);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await unwatched(page);
    await zone.open();
    await zone.row(previewOf(deleted!)).delete.click();
    await elsewhere(server, 'delete', previewOf(deleted!));
    await zone.deleteDialog.delete.click();
    await expect(zone.deleteDialog.dialog).toBeHidden();
    await expect(new Frame(page).failures).toContainText(/Someone else deleted this token/);
    await expect(zone.row(previewOf(deleted!)).row).toHaveCount(0);
    await expect(zone.rows).toHaveCount(1);
    await expect(zone.row(previewOf(kept!)).delete).toBeFocused();
  });

  test('cannot be deactivated instead: it is said, and the table catches up', async ({
    page,
    signIn,
    server,
  }) => {
    const deleted = await createToken(server);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await unwatched(page);
    await zone.open();
    await zone.row(previewOf(deleted)).delete.click();
    await elsewhere(server, 'delete', previewOf(deleted));
    await zone.deleteDialog.deactivateInstead.click();
    await expect(new Frame(page).failures).toContainText(/Someone else deleted this token/);
    await expect(zone.empty).toBeVisible();
  });
});

test('two admins at once: each sees what the server has, not what they remember', async ({
  page,
  openContext,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const mine = new DeveloperZone(page);
  await signIn(MEMBER);
  await unwatched(page);
  await mine.open();

  const context = await openContext();
  const theirs = new DeveloperZone(await context.newPage());
  await signInWith(context.request, ADMIN, SUMMIT);
  await theirs.open();
  await theirs.row(previewOf(token)).switch.click();
  await expect(theirs.row(previewOf(token)).status).toHaveText('Inactive');

  // The page still shows `Active`; the click asks for what the row offers, and that is so already.
  await mine.row(previewOf(token)).switch.click();
  await expect(mine.row(previewOf(token)).status).toHaveText('Inactive');
  expect((await listTokens(server))[0]?.status).toBe('inactive');
});

test('a plan that changed in mid-work is said, and nothing is done', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(403));
  const token = await createToken(server);
  const zone = new DeveloperZone(page);
  const { failures } = new Frame(page);
  await signIn(MEMBER);
  await unwatched(page);
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

test('a tab acts on the organisation that it shows, whatever another tab has selected', async ({
  page,
  context,
  signIn,
  server,
}) => {
  const zone = new DeveloperZone(page);
  await signIn(ADMIN, SUMMIT);
  await zone.open();
  const other = await context.newPage();
  await other.goto('/events');
  await new Frame(other).switcher.button.click();
  await new Frame(other).switcher.option('Harbour Events (904)').click();
  await expect(new Frame(other).switcher.button).toHaveText(/^Harbour Events/);

  const token = await zone.createAndClose();
  expect((await listTokens(server, SUMMIT)).map((listed) => listed.token)).toEqual([previewOf(token)]);
  expect(await listTokens(server, 904)).toEqual([]);
});
