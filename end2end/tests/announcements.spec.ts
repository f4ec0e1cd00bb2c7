import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { listen } from '../support/announcements.ts';
import { EVENT, MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { answerUnavailable, failedToLoad } from '../support/requests.ts';
import { createToken, createTokens } from '../support/tokens.ts';

// Whoever cannot see the page hears what was done, and hears it once.

test.use({ permissions: ['clipboard-write'] });

test('a new token is told of by its dialog alone, and copying it is said once', async ({ page, signIn }) => {
  const announced = await listen(page);
  const zone = new DeveloperZone(page);
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

test('pausing, resuming and deleting are each said once, one after another', async ({ page, signIn, server }) => {
  const announced = await listen(page);
  const tokens = await createTokens(server, 2);
  const preview = previewOf(tokens[0]!);
  const zone = new DeveloperZone(page);
  const row = zone.row(preview);
  await signIn(MEMBER);
  await zone.open();
  const said = [
    expect.stringMatching(`^Token ${preview.slice(0, 5)}\\*{3} is inactive\\. No server has accepted it since`),
    expect.stringMatching(`^Token ${preview.slice(0, 5)}\\*{3} is active\\.`),
    expect.stringMatching(`^Token ${preview.slice(0, 5)}\\*{3} was deleted\\.`),
  ];
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  await expect.poll(announced).toEqual(said.slice(0, 1));
  await row.switch.click();
  await expect(row.status).toHaveText('Active');
  await expect.poll(announced).toEqual(said.slice(0, 2));
  await row.delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.rows).toHaveCount(1);
  await expect.poll(announced).toEqual(said);
});

test('what could not be done is said once, and once more when it fails again', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(503));
  const announced = await listen(page);
  const token = await createToken(server);
  const row = new DeveloperZone(page).row(previewOf(token));
  await signIn(MEMBER);
  await openPage(page, '/developer-zone');
  await answerUnavailable(page, 'set-token-active');
  for (const times of [1, 2]) {
    await row.switch.click();
    await expect.poll(announced).toHaveLength(times);
    await expect(row.status).toHaveText('Active');
  }
  const said = expect.stringContaining('Nothing was changed');
  expect(await announced()).toEqual([said, said]);
  await expect(new Frame(page).failures).toHaveCount(1);
});

test('copying an event’s id is said once each time', async ({ page, signIn }) => {
  const announced = await listen(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  for (const times of [1, 2]) {
    await new EventsPage(page).copyId(EVENT).click();
    await expect.poll(announced).toHaveLength(times);
  }
  const said = expect.stringMatching(`^Event ID ${EVENT} copied\\.`);
  expect(await announced()).toEqual([said, said]);
});

test('the search among organisations says once that nothing fits', async ({ page, signIn }) => {
  const announced = await listen(page);
  const { switcher } = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await switcher.button.click();
  await switcher.search.fill('nothing like it');
  await expect.poll(announced).toEqual(['No organisation matches “nothing like it”.']);
});
