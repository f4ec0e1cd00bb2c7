import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { clipboardText, refuseClipboard } from '../support/clipboard.ts';
import { EVENT, MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

test('the table shows thirty events a page, newest first; a page that does not exist leads to one that does', async ({
  page,
  signIn,
}) => {
  const events = new EventsPage(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(events.columns).toHaveText(['ID', 'Name', 'Status', 'Event Date']);
  await expect(events.rows).toHaveCount(30);
  await expect(events.shown).toHaveText('Showing 1 to 30 of 87 events');
  await expect(events.rows.first().locator('th, td')).toHaveText([
    '789',
    'Summit Marathon 2027',
    'Draft',
    '18 Jan 2027, 06:00',
  ]);
  await expect(events.rows.filter({ hasText: '456' })).toContainText('Active');
  const dates = await events.table.getByRole('time').evaluateAll((times) =>
    times.map((time) => time.getAttribute('datetime')!),
  );
  expect(dates).toHaveLength(30);
  expect(dates).toEqual(dates.toSorted().toReversed());

  for (const number of ['0', '-1', 'x', '']) {
    await page.goto(`/events?page=${number}`);
    await expect(events.shown).toHaveText('Showing 1 to 30 of 87 events');
  }
  await openPage(page, '/events?page=9');
  await expect(events.rows).toHaveCount(0);
  await expect(events.next).toHaveAttribute('aria-disabled', 'true');
  await events.previous.click();
  await expect(events.shown).toHaveText('Showing 61 to 87 of 87 events');
});

test('Next and Previous lead through all 87 events', async ({ page, signIn }) => {
  const events = new EventsPage(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(events.previous).toHaveAttribute('aria-disabled', 'true');

  await events.next.click();
  await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
  await expect(page).toHaveURL('/events?page=2');
  await events.next.click();
  await expect(events.shown).toHaveText('Showing 61 to 87 of 87 events');
  await expect(page).toHaveURL('/events?page=3');
  await expect(events.rows).toHaveCount(27);
  await expect(events.next).toHaveAttribute('aria-disabled', 'true');

  await events.previous.click();
  await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
  await page.goBack();
  await expect(events.shown).toHaveText('Showing 61 to 87 of 87 events');
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('an event’s ID can be copied, and the page says so if the browser refuses', async ({
    page,
    context,
    signIn,
  }) => {
    await signIn(MEMBER);
    await openPage(page, '/events');
    await new EventsPage(page).copyId(EVENT).click();
    await expect(new Frame(page).confirmations).toContainText(`Event ID ${EVENT} copied`);
    expect(await clipboardText(page)).toBe(`${EVENT}`);

    const refusing = await context.newPage();
    await refuseClipboard(refusing);
    const frame = new Frame(refusing);
    await openPage(refusing, '/events');
    await new EventsPage(refusing).copyId(EVENT).click();
    await expect(frame.failures).toContainText(/copy.*by hand/);
    await expect(frame.confirmations).toHaveCount(0);
  });
});

test('events that could not be loaded do not look like none, and Try again loads them', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(500));
  const events = new EventsPage(page);
  await signIn(MEMBER);
  const restore = await server.renameTableAway('events');
  await openPage(page, '/events?page=2');
  await expect(page.getByRole('heading', { name: 'The events could not be loaded' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('alert')).toContainText(/went wrong on our side/);
  await expect(page.getByText('No events yet')).toHaveCount(0);
  await expect(events.table).toHaveCount(0);
  await restore();
  await events.tryAgain.click();
  await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
});
