import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { clipboardText } from '../support/clipboard.ts';
import { ADMIN, EVENT, HARBOUR, MEMBER, TRIAL } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

test('the table has its columns, thirty events a page, the newest first', async ({ page, signIn }) => {
  const events = new EventsPage(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(events.columns).toHaveText(['ID', 'Name', 'Status', 'Event Date']);
  await expect(events.rows).toHaveCount(30);
  await expect(events.shown).toHaveText('Showing 1 to 30 of 87 events');
  await expect(events.rows.first().getByRole('cell')).toHaveText([
    '789',
    'Summit Marathon 2027',
    'Draft',
    '2027-01-18 06:00',
  ]);
  await expect(events.rows.filter({ hasText: '456' })).toContainText('Active');
  const dates = await events.table.getByRole('time').evaluateAll((times) =>
    times.map((time) => time.getAttribute('datetime')!),
  );
  expect(dates).toHaveLength(30);
  expect(dates).toEqual(dates.toSorted().toReversed());
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with script' : 'without script', () => {
    test.use({ javaScriptEnabled });

    test('Next and Previous lead through all 87 events', async ({ page, signIn }) => {
      const events = new EventsPage(page);
      await signIn(MEMBER);
      await (javaScriptEnabled ? openPage(page, '/events') : page.goto('/events'));
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
  });
}

test('no event is on two pages or on none', async ({ page, signIn }) => {
  const events = new EventsPage(page);
  await signIn(MEMBER);
  const ids: string[] = [];
  for (const number of [1, 2, 3]) {
    await page.goto(`/events?page=${number}`);
    ids.push(...(await events.rows.locator('td:first-child').allInnerTexts()));
  }
  expect(new Set(ids.map((id) => id.trim())).size).toBe(87);
});

test('a page that is none shows the first, one past the end the way back', async ({ page, signIn }) => {
  const events = new EventsPage(page);
  await signIn(MEMBER);
  for (const none of ['0', '-1', 'x', '']) {
    await page.goto(`/events?page=${none}`);
    await expect(events.shown).toHaveText('Showing 1 to 30 of 87 events');
  }
  await openPage(page, '/events?page=9');
  await expect(events.rows).toHaveCount(0);
  await expect(events.next).toHaveAttribute('aria-disabled', 'true');
  await events.previous.click();
  await expect(events.shown).toHaveText('Showing 61 to 87 of 87 events');
});

test('an organisation without events says so', async ({ page, signIn }) => {
  await signIn(TRIAL);
  await openPage(page, '/events');
  await expect(page.getByRole('heading', { name: 'No events yet' })).toBeVisible();
});

test('an organisation sees its own events only', async ({ page, signIn }) => {
  const events = new EventsPage(page);
  await signIn(ADMIN, HARBOUR);
  await openPage(page, '/events');
  await expect(events.shown).toHaveText('Showing 1 to 1 of 1 events');
  await expect(events.rows).toHaveCount(1);
  await expect(events.rows).toContainText('Harbour Regatta 2026');
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('an event’s id can be copied', async ({ page, signIn }) => {
    await signIn(MEMBER);
    await openPage(page, '/events');
    await new EventsPage(page).copyId(EVENT).click();
    await expect(new Frame(page).confirmations).toContainText(`Event ID ${EVENT} copied`);
    expect(await clipboardText(page)).toBe(`${EVENT}`);
  });
});

test('where the browser refuses to copy an id, it is said', async ({ page, signIn }) => {
  await page.addInitScript(() => {
    Clipboard.prototype.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  const frame = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await new EventsPage(page).copyId(EVENT).click();
  await expect(frame.failures).toContainText(/copy.*by hand/);
  await expect(frame.confirmations).toHaveCount(0);
});

test('events that could not be loaded do not look like none, and Try again loads them', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(500));
  const events = new EventsPage(page);
  await signIn(MEMBER);
  const mend = await server.takeTableAway('events');
  await openPage(page, '/events?page=2');
  await expect(page.getByRole('heading', { name: 'The events could not be loaded' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('alert')).toContainText(/went wrong on our side/);
  await expect(page.getByText('No events yet')).toHaveCount(0);
  await expect(events.table).toHaveCount(0);
  await mend();
  await events.tryAgain.click();
  await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
});

