// A screen reader announces each result, and announces it once.

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { recordAnnouncements } from '../support/announcements.ts';
import { EVENT, MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { respondUnavailable, failedToLoad } from '../support/requests.ts';
import { createToken, createTokens } from '../support/tokens.ts';

test.use({ permissions: ['clipboard-write'] });

test('the dialog alone announces a new token, and copying it is announced once', async ({ page, signIn }) => {
  const announced = await recordAnnouncements(page);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.create();
  await expect(zone.newToken.field).toBeFocused();
  await expect(zone.newToken.field).toHaveAccessibleDescription(/Copy the token now/);
  expect(await announced()).toEqual([]);
  await zone.newToken.copy.click();
  await expect(zone.newToken.status).toHaveText('Copied');
  expect(await announced()).toEqual(['Copied']);
  await zone.newToken.done.click();
  await expect(zone.createToken).toBeFocused();
  expect(await announced()).toEqual(['Copied']);
});

test('deactivating, activating and deleting are each announced once', async ({ page, signIn, server }) => {
  const announced = await recordAnnouncements(page);
  const tokens = await createTokens(server, 2);
  const preview = previewOf(tokens[0]!);
  const zone = new DeveloperZonePage(page);
  const row = zone.row(preview);
  await signIn(MEMBER);
  await zone.open();
  const expected = [
    expect.stringMatching(`^Token ${preview.slice(0, 5)}\\*{3} is inactive\\. Deactivated everywhere at`),
    expect.stringMatching(`^Token ${preview.slice(0, 5)}\\*{3} is active\\.`),
    expect.stringMatching(`^Token ${preview.slice(0, 5)}\\*{3} was deleted\\.`),
  ];
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  await expect.poll(announced).toEqual(expected.slice(0, 1));
  await row.switch.click();
  await expect(row.status).toHaveText('Active');
  await expect.poll(announced).toEqual(expected.slice(0, 2));
  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.rows).toHaveCount(1);
  await expect.poll(announced).toEqual(expected);
});

test('a failure is announced each time it happens', async ({ page, signIn, server, pageErrors }) => {
  pageErrors.allow(failedToLoad(503));
  const announced = await recordAnnouncements(page);
  const token = await createToken(server);
  const row = new DeveloperZonePage(page).row(previewOf(token));
  await signIn(MEMBER);
  await openPage(page, '/developer-zone');
  await respondUnavailable(page, 'deactivate-token');
  for (const times of [1, 2]) {
    await row.switch.click();
    await expect.poll(announced).toHaveLength(times);
    await expect(row.status).toHaveText('Active');
  }
  const failure = expect.stringContaining('Nothing was changed');
  expect(await announced()).toEqual([failure, failure]);
  await expect(new Frame(page).failures).toHaveCount(1);
});

test('copying an event’s ID is announced each time, and a search without result once', async ({
  page,
  signIn,
}) => {
  const announced = await recordAnnouncements(page);
  const { switcher } = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  for (const times of [1, 2]) {
    await new EventsPage(page).copyId(EVENT).click();
    await expect.poll(announced).toHaveLength(times);
  }
  const copied = expect.stringMatching(`^Event ID ${EVENT} copied\\.`);
  expect(await announced()).toEqual([copied, copied]);
  await switcher.button.click();
  await switcher.search.fill('nothing like it');
  await expect.poll(announced).toEqual([copied, copied, 'No organisation matches “nothing like it”.']);
});
