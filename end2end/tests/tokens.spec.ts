import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { ADMIN, HARBOUR, MEMBER, SUMMIT } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { countRequests, failedToLoad } from '../support/requests.ts';
import { createToken, createTokens, elsewhere } from '../support/tokens.ts';

test('without tokens the card says so, in words and with a way on', async ({ page, signIn }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.heading).toBeVisible();
  await expect(zone.title).toBeVisible();
  await expect(zone.empty).toBeVisible();
  await expect(zone.count(0)).toBeVisible();
  await expect(zone.table).toHaveCount(0);
  await zone.createToken.click();
  await expect(zone.createDialog.dialog).toBeVisible();
});

test('the card links to the documentation, in a new tab, and says so', async ({ page, signIn }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.documentation).toHaveAccessibleName(/^API documentation.*new tab/);
  const [tab] = await Promise.all([page.waitForEvent('popup'), zone.documentation.click()]);
  await expect(tab).toHaveURL('/docs');
});

test('the table has its columns and one row a token, the newest first, never more than five characters of it', async ({
  page,
  signIn,
  server,
}) => {
  const tokens = [await createToken(server), await createToken(server, ADMIN), await createToken(server)];
  await elsewhere(server, 'deactivate', previewOf(tokens[1]!));
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.columns).toHaveText(['Token', 'Status', 'Created By', 'Created At', 'Actions']);
  await expect(zone.table).toHaveAccessibleName(/API tokens/);
  await expect(zone.count(3)).toBeVisible();
  const newestFirst = tokens.toReversed();
  await expect(zone.rows.locator('td:nth-child(1)')).toHaveText(newestFirst.map(previewOf));
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
});

for (const [locale, timezoneId] of [
  ['en-GB', 'Europe/London'],
  ['de-DE', 'Asia/Tokyo'],
] as const) {
  test.describe(`a reader in ${timezoneId} with ${locale}`, () => {
    test.use({ locale, timezoneId });

    test('reads when a token was created in their own way, the full instant on hover', async ({
      page,
      signIn,
      server,
    }) => {
      await createToken(server);
      const zone = new DeveloperZone(page);
      await signIn(MEMBER);
      await zone.open();
      const time = zone.rows.getByRole('time');
      const instant = (await time.getAttribute('datetime'))!;
      expect(instant).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Math.abs(Date.now() - Date.parse(instant))).toBeLessThan(60_000);
      const [date, full] = await page.evaluate(
        ([locale, instant]) => [
          new Date(instant).toLocaleDateString(locale, { dateStyle: 'medium' }),
          new Date(instant).toLocaleString(locale, { dateStyle: 'full', timeStyle: 'long' }),
        ],
        [locale, instant] as const,
      );
      await expect(time).toHaveText(date!);
      await expect(time).toHaveAttribute('title', full!);
    });
  });
}

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('the table can be read, its dates in UTC', async ({ page, signIn, server }) => {
    const token = await createToken(server);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await page.goto('/developer-zone');
    await expect(zone.row(previewOf(token)).status).toHaveText('Active');
    const time = zone.rows.getByRole('time');
    const instant = (await time.getAttribute('datetime'))!;
    await expect(time).toHaveText(instant.slice(0, 10));
    await expect(time).toHaveAttribute('title', `${instant.slice(0, 19).replace('T', ' ')} UTC`);
  });
});

test('at ten tokens Create Token stays to be found, does nothing, and the message beside it says why', async ({
  page,
  signIn,
  server,
}) => {
  const tokens = await createTokens(server, 10);
  const zone = new DeveloperZone(page);
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
  // `force`: to a test, as to a screen reader, the button counts as disabled.
  await zone.createToken.click({ force: true });
  await expect(zone.createDialog.dialog).toBeHidden();
  expect(creations()).toBe(0);

  await zone.row(previewOf(tokens[0]!)).delete.click();
  await zone.deleteDialog.delete.click();
  await expect(zone.count(9)).toBeVisible();
  await expect(zone.limit).toBeHidden();
  await expect(zone.createToken).not.toHaveAttribute('aria-disabled');
  await zone.createAndClose();
  await expect(zone.limit, 'and again').toBeVisible();
  await expect(zone.createToken).toHaveAttribute('aria-disabled', 'true');
});

test('tokens that could not be loaded do not look like none, and Try again loads them', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(failedToLoad(500));
  await createToken(server);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  const mend = await server.takeTableAway('tokens');
  await openPage(page, '/developer-zone');
  await expect(zone.loadFailed).toBeVisible();
  await expect(zone.card.getByRole('alert')).toContainText(/went wrong on our side/);
  await expect(zone.empty).toHaveCount(0);
  await expect(zone.table).toHaveCount(0);
  await zone.tryAgain.click();
  await expect(zone.loadFailed, 'it fails again').toBeVisible();
  await mend();
  await zone.tryAgain.click();
  await expect(zone.rows).toHaveCount(1);
  await expect(zone.loadFailed).toHaveCount(0);
});

test('switching the organisation shows the other one’s tokens and none of the first', async ({
  page,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const { switcher } = new Frame(page);
  const zone = new DeveloperZone(page);
  await signIn(ADMIN, SUMMIT);
  await zone.open();
  await expect(zone.row(previewOf(token)).row).toBeVisible();
  await switcher.button.click();
  await switcher.option(`Harbour Events (${HARBOUR})`).click();
  await expect(zone.empty).toBeVisible();
  expect(await page.content()).not.toContain(previewOf(token));
});
