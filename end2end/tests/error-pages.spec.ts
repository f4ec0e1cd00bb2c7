import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

test('without a database, a form leads back to its page and a page offers itself again, also by keyboard', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(503));
  const events = new EventsPage(page);
  await signIn(MEMBER);
  await openPage(page, '/events?page=2');
  let restore = await server.moveDatabaseAway();
  await new Frame(page).signOut.click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The dashboard is unavailable');
  await expect(page.getByText('Nothing was changed. Try again in a moment.')).toBeVisible();
  await expectAccessible(page);
  await restore();
  await page.getByRole('link', { name: 'Go back' }).click();
  await expect(page).toHaveURL('/events?page=2');
  await expect(events.shown).toBeVisible();

  restore = await server.moveDatabaseAway();
  await openPage(page, '/events?page=2');
  await expect(page).toHaveTitle('The dashboard is unavailable · 9Pic');
  await restore();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Try again' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(events.shown).toBeVisible();
});
