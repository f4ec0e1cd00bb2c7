import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

test('signing out without a database says that nothing was changed, and leads back', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(503));
  await signIn(MEMBER);
  await openPage(page, '/events?page=2');
  const putBack = await server.takeDatabaseAway();
  await new Frame(page).signOut.click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The dashboard is unavailable');
  await expect(page.getByText('Nothing was changed. Try again in a moment.')).toBeVisible();
  await expectAccessible(page);
  await putBack();
  await page.getByRole('link', { name: 'Go back' }).click();
  await expect(page).toHaveURL('/events?page=2');
  await expect(new EventsPage(page).shown).toBeVisible();
});

test('a page without a database offers itself again, by the keyboard alone', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(503));
  await signIn(MEMBER);
  const putBack = await server.takeDatabaseAway();
  await openPage(page, '/events?page=2');
  await expect(page).toHaveTitle('The dashboard is unavailable · 9Pic');
  await putBack();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Try again' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(new EventsPage(page).shown).toBeVisible();
});
