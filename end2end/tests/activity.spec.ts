import { readFile } from 'node:fs/promises';

import { ActivityPage } from '../pages/activity.ts';
import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, openPage, test, waitForHydration } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';
import { changeByCli, createToken, listTokens } from '../support/tokens.ts';

test('each action on a token is a sentence: who did what, when, and from where', async ({ page, signIn }) => {
  const zone = new DeveloperZonePage(page);
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

test('filters by kind and by token, including deleted tokens, and keeps the choice', async ({
  page,
  signIn,
  server,
}) => {
  const [kept, gone] = [previewOf(await createToken(server)), previewOf(await createToken(server))];
  await changeByCli(server, 'delete', gone);
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  await activity.open();
  // A choice with the pointer applies immediately.
  await activity.token.selectOption({ label: `${gone}, deleted` });
  await expect(activity.sentences).toHaveText([
    `9Pic support deleted token ${gone}`,
    `9Pic support created token ${gone} in the name of ${MEMBER}`,
  ]);
  await expect(activity.rows.first()).toContainText('Admin tool');
  await expect(activity.token.locator('option:checked')).toHaveText(`${gone}, deleted`);

  await waitForHydration(page);
  await activity.kind.selectOption('Token deactivated');
  await expect(activity.nothingFound).toBeVisible();
  await expect(activity.kind.locator('option:checked')).toHaveText('Token deactivated');

  await activity.showAll.click();
  await expect(page).toHaveURL(ActivityPage.PATH);
  await expect(activity.sentences).toHaveCount(4);
  await expect(activity.sentences.filter({ hasText: kept })).toHaveCount(1);
  await expect(activity.showAll).toHaveCount(0);
});

test('changes of one token in a row are one line that opens, pages keep the filter in both directions, and the file has the records of every page', async ({
  page,
  context,
  signIn,
  server,
}) => {
  await createToken(server);
  const [token] = await listTokens(server);
  await signIn(MEMBER);
  for (let n = 0; n < 70; n += 1) {
    const name = n % 2 === 1 ? 'activate-token' : 'deactivate-token';
    const response = await context.request.post(`/api/dashboard/${name}`, {
      form: { organisation_id: SUMMIT, token_id: token!.id },
    });
    expect(response.status()).toBe(200);
  }
  const activity = new ActivityPage(page);
  await activity.open(`?token=${token!.id}`);
  await expect(activity.runs).toHaveText([new RegExp(`${MEMBER} made 50 changes to token .{5}\\*{3}`)]);
  await expect(activity.rows).toHaveCount(0);
  await activity.runs.click();
  await expect(activity.rows).toHaveCount(50);
  await expectAccessible(page);
  const newest = await activity.rows.first().getByRole('time').getAttribute('datetime');
  await expect(activity.newer).toHaveAttribute('aria-disabled', 'true');
  await activity.older.click();
  await expect(activity.runs).toHaveText([/made 20 changes to token/]);
  await expect(activity.sentences).toHaveText([/created token/]);
  await expect(activity.older).toHaveAttribute('aria-disabled', 'true');
  await activity.newer.click();
  await activity.runs.click();
  await expect(activity.rows).toHaveCount(50);
  await expect(activity.rows.first().getByRole('time')).toHaveAttribute('datetime', newest!);

  const downloading = page.waitForEvent('download');
  await activity.download.click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe(`activity-${SUMMIT}.csv`);
  const csv = await readFile(await download.path(), 'utf8');
  const lines = csv.split('\r\n');
  expect(lines).toHaveLength(1 + 71 + 1);
  expect(lines[0]).toMatch(/^\ufeff"time","kind","activity","actor",/);
  expect(lines[1]).toContain(`"token-resumed","${MEMBER} activated token `);
  await expect(activity.rows, 'the page stays').toHaveCount(50);
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('the activity can be read by day and filtered, with times in UTC', async ({ page, signIn, server }) => {
    const preview = previewOf(await createToken(server));
    const activity = new ActivityPage(page);
    await signIn(MEMBER);
    await page.goto('/developer-zone');
    await activity.activity.click();
    await expect(activity.rows).toHaveCount(2);
    await expect(activity.days.first()).toHaveText(/^[A-Z][a-z]+day \d{1,2} [A-Z][a-z]+ \d{4}$/);
    await expect(activity.rows.first().getByRole('time')).toHaveText(/^\d\d:\d\d$/);
    await expect(activity.card).toContainText('Times are in UTC.');
    await activity.kind.selectOption('Token created');
    await activity.lastDay.fill('2020-01-31');
    await activity.filter.click();
    await expect(activity.nothingFound).toBeVisible();
    await expect(activity.lastDay).toHaveValue('2020-01-31');
    await activity.firstDay.fill('2020-01-31');
    await activity.lastDay.fill('');
    await activity.filter.click();
    await expect(activity.sentences).toHaveText([
      `9Pic support created token ${preview} in the name of ${MEMBER}`,
    ]);
  });
});

test('activity that could not be loaded does not look empty, and Try again loads it', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(500));
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  const restore = await server.renameTableAway('audit_entries');
  await openPage(page, '/developer-zone/activity');
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { name: 'The activity could not be loaded' })).toBeVisible();
  await expect(main.getByRole('alert')).toContainText(/went wrong on our side/);
  await restore();
  await activity.tryAgain.click();
  await expect(activity.sentences).toHaveText([`${MEMBER} signed in`]);
});

test('the filter works by keyboard alone, and the page is accessible with and without rows', async ({
  page,
  signIn,
  server,
}) => {
  await createToken(server);
  const activity = new ActivityPage(page);
  await signIn(MEMBER);
  await activity.open();
  await test.step('with rows', () => expectAccessible(page));
  await activity.activity.focus();
  for (const next of [activity.download, activity.kind]) {
    await page.keyboard.press('Tab');
    await expect(next).toBeFocused();
  }
  await page.keyboard.type('Token created');
  await page.keyboard.press('Tab');
  await expect(activity.token).toBeFocused();
  await activity.lastDay.focus();
  // Past its day, month, year and button.
  for (let part = 0; part < 4; part += 1) {
    await page.keyboard.press('Tab');
  }
  await expect(activity.filter, 'the keyboard alone applies nothing').toBeFocused();
  await page.keyboard.press('Enter');
  await expect(activity.sentences).toHaveText([/created token/]);

  for (const query of ['?kind=sessions-ended', '?before=0-0']) {
    await activity.open(query);
    await test.step(query, () => expectAccessible(page));
  }
});
