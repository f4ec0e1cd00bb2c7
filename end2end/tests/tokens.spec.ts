import { ActivityPage } from '../pages/activity.ts';
import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { ADMIN, HARBOUR, MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, openPage, test, waitForHydration } from '../support/fixtures.ts';
import { countRequests, failedToLoad } from '../support/requests.ts';
import { changeByCli, createToken, createTokens, listTokens } from '../support/tokens.ts';

test('the table has one row for each token, newest first, and five characters of each; another organisation’s has its own', async ({
  page,
  signIn,
  server,
}) => {
  const tokens = [await createToken(server), await createToken(server, ADMIN), await createToken(server)];
  await changeByCli(server, 'deactivate', previewOf(tokens[1]!));
  const zone = new DeveloperZonePage(page);
  const { switcher } = new Frame(page);
  await signIn(ADMIN, SUMMIT);
  await zone.open();
  await expect(zone.heading).toBeVisible();
  await expect(zone.columns).toHaveText(['Token', 'Status', 'Created By', 'Created At', 'Actions']);
  await expect(zone.table).toHaveAccessibleName(/API tokens/);
  await expect(zone.count(3)).toBeVisible();
  const newestFirst = tokens.toReversed();
  await expect(zone.rows.getByRole('rowheader')).toHaveText(newestFirst.map(previewOf));
  await expect(zone.rows.locator('td:nth-child(2) .badge')).toHaveText(['Active', 'Inactive', 'Active']);
  await expect(zone.rows.locator('td:nth-child(3)')).toHaveText([MEMBER, ADMIN, MEMBER]);
  await expect(zone.row(previewOf(tokens[0]!)).switch).toBeChecked();
  await expect(zone.row(previewOf(tokens[1]!)).switch).not.toBeChecked();
  const font = await zone.rows.first().locator('code').evaluate((code) => getComputedStyle(code).fontFamily);
  expect(font).toMatch(/monospace/);
  const html = await page.content();
  for (const token of tokens) {
    expect(html).not.toContain(token.slice(0, 6));
  }
  await expect(zone.documentation).toHaveAccessibleName(/^API documentation.*new tab/);
  const [tab] = await Promise.all([page.waitForEvent('popup'), zone.documentation.click()]);
  await expect(tab).toHaveURL('/docs');

  await switcher.button.click();
  await switcher.option(`Harbour Events (${HARBOUR})`).click();
  await expect(zone.empty).toBeVisible();
  await expect(zone.table).toHaveCount(0);
  await expect(zone.count(0)).toBeVisible();
  for (const token of tokens) {
    expect(await page.content()).not.toContain(previewOf(token));
  }
});

test.describe('for a reader in Tokyo', () => {
  test.use({ locale: 'de-DE', timezoneId: 'Asia/Tokyo' });

  test('times are in the reader’s zone, as the server wrote them, with the full instant on hover', async ({
    page,
    server,
  }) => {
    await createToken(server);
    const zone = new DeveloperZonePage(page);
    const activity = new ActivityPage(page);
    const inTokyo = (instant: string, options: Intl.DateTimeFormatOptions) =>
      new Date(instant).toLocaleString('en-GB', { timeZone: 'Asia/Tokyo', ...options });

    // The sign-in page stores the zone, so that the first page after it knows it.
    const form = new SignInPage(page);
    await openPage(page, '/sign-in?next=/developer-zone');
    await form.signIn(MEMBER);
    await expect(page).toHaveURL('/developer-zone');
    const written = await (await page.request.get('/developer-zone')).text();
    await waitForHydration(page);
    const created = zone.rows.getByRole('time');
    const instant = (await created.getAttribute('datetime'))!;
    const date = inTokyo(instant, { day: 'numeric', month: 'short', year: 'numeric' });
    await expect(created).toHaveText(date.replace('Sept', 'Sep'));
    expect(written, 'script changes no time').toContain(`${await created.textContent()}</time>`);
    const time = inTokyo(instant, { timeStyle: 'medium' });
    await expect(created).toHaveAttribute('title', new RegExp(`, ${time} \\(Asia/Tokyo, UTC\\+09:00\\)$`));
    await expect(page.getByText('Times are in Asia/Tokyo.')).toBeVisible();

    await activity.open('?kind=token-created');
    const recorded = activity.rows.getByRole('time');
    const recordedAt = (await recorded.getAttribute('datetime'))!;
    await expect(recorded).toHaveText(inTokyo(recordedAt, { timeStyle: 'short' }));
    await expect(page.getByText('Times are in Asia/Tokyo.')).toBeVisible();
    expect(
      (await page.context().cookies()).find(({ name }) => name === 'developer-zone-time-zone')?.value,
      'the cookie holds the zone only',
    ).toBe('Asia/Tokyo');
  });
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('the table can be read, with dates in UTC', async ({ page, signIn, server }) => {
    const token = await createToken(server);
    const zone = new DeveloperZonePage(page);
    await signIn(MEMBER);
    await page.goto('/developer-zone');
    await expect(zone.row(previewOf(token)).status).toHaveText('Active');
    const time = zone.rows.getByRole('time');
    const instant = (await time.getAttribute('datetime'))!;
    await expect(time).toHaveText(/^\d{1,2} [A-Z][a-z]{2} \d{4}$/);
    await expect(time).toHaveAttribute('title', new RegExp(`, ${instant.slice(11, 19)} UTC$`));
    await expect(page.getByText('Times are in UTC.')).toBeVisible();
  });
});

test('nothing on a page moves while its script takes over', async ({ page, signIn, server }) => {
  await createTokens(server, 2);
  await signIn(MEMBER);
  const [token] = await listTokens(server);
  for (const path of ['/developer-zone', `/developer-zone/tokens/${token!.id}`, ActivityPage.PATH, '/events', '/account']) {
    await openPage(page, path);
    const shifts = await page.evaluate(async () => {
      // The second frame begins after the first one is drawn, and with it all that script has changed so far.
      for (const _ of [1, 2]) {
        await new Promise((drawn) => requestAnimationFrame(drawn));
      }
      const observer = new PerformanceObserver(() => {});
      observer.observe({ type: 'layout-shift', buffered: true });
      return observer.takeRecords().map((shift) => JSON.stringify(shift));
    });
    expect(shifts, path).toEqual([]);
  }
});

test('at ten tokens Create Token can still be focused but does nothing, and a message says why', async ({
  page,
  signIn,
  server,
}) => {
  const tokens = await createTokens(server, 10);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const creations = countRequests(page, 'create-token');
  await expect(zone.count(10)).toBeVisible();
  await expect(zone.limit).toBeVisible();
  await expect(zone.createToken).toHaveAttribute('aria-disabled', 'true');
  await expect(zone.createToken).not.toHaveAttribute('disabled');
  await expect(zone.createToken).toHaveAccessibleDescription(await zone.limit.innerText());
  await zone.documentation.focus();
  await page.keyboard.press('Tab');
  await expect(zone.createToken).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Space');
  // Playwright treats the button as disabled, as a screen reader does. So it clicks only with `force`.
  await zone.createToken.click({ force: true });
  await expect(zone.createDialog.dialog).toBeHidden();
  expect(creations()).toBe(0);

  await zone.row(previewOf(tokens[0]!)).delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.count(9)).toBeVisible();
  await expect(zone.limit).toBeHidden();
  await expect(zone.createToken).not.toHaveAttribute('aria-disabled');
  await zone.createAndClose();
  await expect(zone.limit, 'at the limit again').toBeVisible();
  await expect(zone.createToken).toHaveAttribute('aria-disabled', 'true');
});

test('tokens that could not be loaded do not look like none, and Try again loads them', async ({
  page,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(failedToLoad(500));
  await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  const restore = await server.renameTableAway('tokens');
  await openPage(page, '/developer-zone');
  await expect(zone.loadFailed).toBeVisible();
  await expect(zone.card.getByRole('alert')).toContainText(/went wrong on our side/);
  await expect(zone.empty).toHaveCount(0);
  await expect(zone.table).toHaveCount(0);
  await zone.tryAgain.click();
  await expect(zone.loadFailed, 'it fails again').toBeVisible();
  await restore();
  await zone.tryAgain.click();
  await expect(zone.rows).toHaveCount(1);
  await expect(zone.loadFailed).toHaveCount(0);
});
