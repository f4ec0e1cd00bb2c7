import { readFile } from 'node:fs/promises';

import { ActivityPage } from '../pages/activity.ts';
import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { ADMIN, HARBOUR, LOCKED, MEMBER, OTHER, SUMMIT } from '../support/demo.ts';
import { expect, hydrated, openPage, signIn as signInWith, test } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { createToken, elsewhere, listTokens } from '../support/tokens.ts';

test('what is done with a token is read as sentences: who, what, when, where', async ({ page, signIn }) => {
  const zone = new DeveloperZone(page);
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  await zone.open();
  const preview = previewOf(await zone.createAndClose());
  await zone.row(preview).switch.click();
  await expect(zone.row(preview).status).toHaveText('Inactive');
  await zone.row(preview).switch.click();
  await expect(zone.row(preview).status).toHaveText('Active');
  await zone.row(preview).delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.empty).toBeVisible();

  await activity.activity.click();
  await expect(page).toHaveURL(ActivityPage.PATH);
  await expect(page).toHaveTitle('Activity · 9Pic');
  await expect(activity.columns).toHaveText(['Activity', 'When', 'From']);
  await expect(activity.sentences).toHaveText([
    `${MEMBER} deleted token ${preview}`,
    `${MEMBER} activated token ${preview}`,
    `${MEMBER} deactivated token ${preview}`,
    `${MEMBER} created token ${preview}`,
    `${MEMBER} signed in`,
  ]);
  await expect(activity.rows.first()).toContainText('127.0.0.1');
  await expect(activity.rows.first()).toContainText(/Chrome on \w+/);
  await expect(activity.activity).toHaveAttribute('aria-current', 'page');
  await expect(new Frame(page).developerZone).toHaveAttribute('aria-current', 'page');

  await activity.tokens.click();
  await expect(page).toHaveURL('/developer-zone');
  await expect(zone.empty).toBeVisible();
  await expect(activity.tokens).toHaveAttribute('aria-current', 'page');
});

test.describe('elsewhere on earth', () => {
  test.use({ timezoneId: 'Pacific/Auckland', locale: 'en-NZ' });

  test('the time is the reader’s own, and exact on hover', async ({ page, signIn }) => {
    const activity = new ActivityPage(page);
    await signIn(MEMBER);
    await activity.open();
    const time = activity.rows.first().getByRole('time');
    const instant = (await time.getAttribute('datetime'))!;
    const expected = await page.evaluate((instant) => {
      const at = new Date(instant);
      return [
        at.toLocaleString('en-NZ', { dateStyle: 'medium', timeStyle: 'short' }),
        at.toLocaleString('en-NZ', { dateStyle: 'full', timeStyle: 'long' }),
      ];
    }, instant);
    await expect(time).toHaveText(expected[0]!);
    await expect(time).toHaveAttribute('title', expected[1]!);
  });
});

test('it is filtered by kind and by token, deleted ones too, and what is chosen stays chosen', async ({
  page,
  signIn,
  server,
}) => {
  const [kept, gone] = [previewOf(await createToken(server)), previewOf(await createToken(server))];
  await elsewhere(server, 'delete', gone);
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  await activity.open();
  await activity.token.selectOption({ label: `${gone}, deleted` });
  await activity.filter.click();
  await expect(activity.sentences).toHaveText([
    `An operator of 9Pic deleted token ${gone}`,
    `An operator of 9Pic created token ${gone} in the name of ${MEMBER}`,
  ]);
  await expect(activity.rows.first()).toContainText('Command line');
  await expect(activity.token.locator('option:checked')).toHaveText(`${gone}, deleted`);

  await hydrated(page);
  await activity.kind.selectOption('Token deactivated');
  await activity.filter.click();
  await expect(activity.nothingFound).toBeVisible();
  await expect(activity.kind.locator('option:checked')).toHaveText('Token deactivated');

  await activity.showAll.click();
  await expect(page).toHaveURL(ActivityPage.PATH);
  await expect(activity.sentences).toHaveCount(4);
  await expect(activity.sentences.filter({ hasText: kept })).toHaveCount(1);
  await expect(activity.showAll).toHaveCount(0);
});

test.describe('with many records', () => {
  test.beforeEach(async ({ context, signIn, server }) => {
    await createToken(server);
    const [token] = await listTokens(server);
    await signIn(MEMBER);
    for (let n = 0; n < 70; n += 1) {
      const answer = await context.request.post('/api/dashboard/set-token-active', {
        data: { organisation_id: SUMMIT, token_id: token!.id, active: n % 2 === 1 },
      });
      expect(answer.status()).toBe(200);
    }
  });

  test('pages lead to older ones and back, and keep the filter', async ({ page }) => {
    const activity = new ActivityPage(page);
    await activity.open('?kind=token-paused');
    await expect(activity.rows).toHaveCount(30);
    await expect(activity.newer).toHaveAttribute('aria-disabled', 'true');
    const newest = await activity.rows.first().getByRole('time').getAttribute('datetime');
    await activity.older.click();
    await expect(activity.rows).toHaveCount(5);
    await expect(activity.older).toHaveAttribute('aria-disabled', 'true');
    await expect(activity.sentences.filter({ hasText: 'deactivated' })).toHaveCount(5);
    await activity.newer.click();
    await expect(activity.rows).toHaveCount(30);
    await expect(activity.rows.first().getByRole('time')).toHaveAttribute('datetime', newest!);
    await activity.open();
    await activity.older.click();
    await activity.older.click();
    await expect(activity.rows).toHaveCount(12);
  });

  test('the file has all of them, whatever the page shows', async ({ page }) => {
    const activity = new ActivityPage(page);
    await activity.open('?kind=token-paused');
    const downloading = page.waitForEvent('download');
    await activity.download.click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe(`activity-${SUMMIT}.csv`);
    const csv = await readFile(await download.path(), 'utf8');
    const lines = csv.split('\r\n');
    expect(lines).toHaveLength(1 + 35 + 1);
    expect(lines[0]).toMatch(/^"time","kind","activity","actor",/);
    expect(lines[1]).toContain(`"token-paused","${MEMBER} deactivated token `);
    await expect(activity.rows, 'the page stays').toHaveCount(30);
  });
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('it is whole, filtered and read through', async ({ page, signIn, server }) => {
    const preview = previewOf(await createToken(server));
    const activity = new ActivityPage(page);
    await signIn(MEMBER);
    await page.goto('/developer-zone');
    await activity.activity.click();
    await expect(activity.rows).toHaveCount(2);
    await expect(activity.rows.first().getByRole('time')).toHaveText(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
    await activity.kind.selectOption('Token created');
    await activity.filter.click();
    await expect(activity.sentences).toHaveText([
      `An operator of 9Pic created token ${preview} in the name of ${MEMBER}`,
    ]);
  });
});

test('an organisation sees its own activity, and its members’ sign-ins, only', async ({
  page,
  openContext,
  signIn,
  server,
}) => {
  await createToken(server);
  const theirs = await openContext();
  await signInWith(theirs.request, OTHER);
  const activity = new ActivityPage(page);
  await signIn(ADMIN, SUMMIT);
  await activity.open();
  await expect(activity.sentences).toHaveText([/signed in$/, /created token/]);
  await signIn(ADMIN, HARBOUR);
  await activity.open();
  await expect(activity.sentences).toHaveText([
    `${ADMIN} signed in`,
    `${ADMIN} signed in`,
    `${OTHER} signed in`,
  ]);
});

for (const { id, name, plan } of LOCKED) {
  test(`on ${plan} the page says which plan it needs, and shows nothing`, async ({ page, signIn }) => {
    const activity = new ActivityPage(page);
    await signIn(ADMIN, id);
    await activity.open();
    const main = page.getByRole('main');
    await expect(main.getByRole('heading', { name: 'Enterprise Plan Required' })).toBeVisible();
    await expect(main).toContainText(`${name} (${id}) is on the ${plan} plan.`);
    await expect(activity.card).toHaveCount(0);
    await expect(activity.activity).toHaveCount(0);
  });
}

test('what could not be loaded does not look like nothing, and Try again loads it', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(500));
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  const mend = await server.takeTableAway('audit_entries');
  await openPage(page, '/developer-zone/activity');
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { name: 'The activity could not be loaded' })).toBeVisible();
  await expect(main.getByRole('alert')).toContainText(/went wrong on our side/);
  await mend();
  await activity.tryAgain.click();
  await expect(activity.sentences).toHaveText([`${MEMBER} signed in`]);
});

test('it works by keyboard alone', async ({ page, signIn, server }) => {
  await createToken(server);
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  await activity.open();
  await activity.activity.focus();
  for (const next of [activity.download, activity.kind]) {
    await page.keyboard.press('Tab');
    await expect(next).toBeFocused();
  }
  await page.keyboard.type('Token created');
  await page.keyboard.press('Tab');
  await expect(activity.token).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(activity.filter).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(activity.sentences).toHaveText([/created token/]);
});

test('it fits a phone, and axe finds nothing: with rows, without, filtered', async ({
  page,
  signIn,
  server,
}) => {
  await createToken(server);
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  for (const query of ['', '?kind=token-created', '?kind=sessions-ended', '?before=0-0']) {
    await activity.open(query);
    await expectAccessible(page);
  }
});
