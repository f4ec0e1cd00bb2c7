// A change that takes long because a server is silent: the page says what it waits for.
//
// On SQLite a server waits for no other one, so the tests hold the response back. The real server answers the page's
// question about silent servers: its database has a row of one.

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { recordAnnouncements } from '../support/announcements.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, test } from '../support/fixtures.ts';
import { countRequests, HeldRequests } from '../support/requests.ts';
import { createTokens } from '../support/tokens.ts';

const WAITING = 'Waiting for 1 of 2 servers, at most 11 s.';

test('the page says for which servers a switch waits, announces it once, moves nothing, and forgets it afterwards', async ({
  page,
  server,
  signIn,
}) => {
  const announced = await recordAnnouncements(page);
  const [other, token] = await createTokens(server, 2);
  const zone = new DeveloperZonePage(page);
  const row = zone.row(previewOf(token!));
  const { confirmations } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'deactivate-token');
  const questions = countRequests(page, 'silent-servers');
  await row.switch.click();
  await held.untilOneArrived();
  await expect(row.status).toHaveText('Deactivating…');
  await expect.poll(questions, 'every server knows the last change').toBeGreaterThanOrEqual(1);
  await expect(confirmations).toHaveCount(0);
  const places = () => Promise.all([zone.table, row.switch, row.status].map((part) => part.boundingBox()));
  const before = await places();
  await server.addSilentServer();
  await expect(confirmations).toHaveText(WAITING);
  expect(await places()).toEqual(before);
  const asked = questions();
  await expect.poll(questions, 'it asks again').toBeGreaterThanOrEqual(asked + 2);
  await expect(confirmations).toHaveText(WAITING);
  await expectAccessible(page);
  await held.release();
  await expect(row.status).toHaveText('Inactive');
  await expect(confirmations).toContainText('is inactive. Deactivated everywhere at');
  await expect(confirmations).not.toContainText('Waiting');
  const inactive = expect.stringContaining('is inactive');
  await expect.poll(announced).toEqual([WAITING, inactive]);
  await zone.row(previewOf(other!)).switch.click();
  await expect(zone.row(previewOf(other!)).status).toHaveText('Inactive');
  expect(await announced(), 'a quick change says nothing about servers').toEqual([WAITING, inactive, inactive]);
});

test('the dialog says for which servers a deletion waits', async ({ page, server, signIn }) => {
  const [token] = await createTokens(server, 1);
  const zone = new DeveloperZonePage(page);
  const { dialog, delete: confirm } = zone.deleteDialog;
  const { confirmations } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  const held = await HeldRequests.of(page, 'delete-token');
  await server.addSilentServer();
  await zone.row(previewOf(token!)).delete.click();
  await expect(dialog.getByRole('status')).toHaveText('');
  await confirm.click();
  await held.untilOneArrived();
  await expect(dialog.getByRole('status')).toHaveText(WAITING);
  await expect(confirmations, 'not behind the dialog, too').toBeHidden();
  await expectAccessible(page);
  await held.release();
  await expect(dialog).toBeHidden();
  await expect(confirmations).toContainText('was deleted. Deleted everywhere at');
  await expect(confirmations).not.toContainText('Waiting');
});
