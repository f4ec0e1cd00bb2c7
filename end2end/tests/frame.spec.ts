import { Frame } from '../pages/frame.ts';
import { ChooseOrganisation, HomePage } from '../pages/home.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { ADMIN, HARBOUR, MEMBER } from '../support/demo.ts';
import { expect, openPage, selectOrganisation, test, waitForHydration } from '../support/fixtures.ts';
import { failedToLoad } from '../support/requests.ts';

test('the sidebar: skip link, the current page, the documentation in a new tab, the account, signing out', async ({
  page,
  signIn,
  pageErrors,
}) => {
  // The page may ask for news between the end of the session and the next page.
  pageErrors.allow(failedToLoad(401));
  const frame = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await page.keyboard.press('Tab');
  await expect(frame.skipLink).toBeFocused();
  await expect(frame.skipLink).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(frame.main).toBeFocused();

  await expect(page).toHaveTitle('Events · 9Pic');
  await expect(frame.events).toHaveAttribute('aria-current', 'page');
  await expect(frame.developerZone).not.toHaveAttribute('aria-current');
  await frame.developerZone.click();
  await expect(page).toHaveURL('/developer-zone');
  await expect(page).toHaveTitle('Developer Zone · 9Pic');
  await expect(frame.developerZone).toHaveAttribute('aria-current', 'page');
  await expect(frame.events).not.toHaveAttribute('aria-current');
  await expect(frame.home, 'Home is above no other page').not.toHaveAttribute('aria-current');

  await expect(frame.navigation.getByRole('link')).toHaveText([
    'Home',
    'Events',
    'Developer Zone',
    /^API documentation/,
  ]);
  await expect(frame.documentation).toHaveAccessibleName(/new tab/);
  const [tab] = await Promise.all([page.waitForEvent('popup'), frame.documentation.click()]);
  await expect(tab).toHaveURL('/docs');
  await expect(tab.getByRole('heading', { level: 1, name: 'API documentation' })).toBeVisible();
  await expect(page).toHaveURL('/developer-zone');

  await expect(frame.switcher.button, 'the only organisation is selected').toHaveText(
    /^Summit Races \(903\)\s*Enterprise$/,
  );
  await expect(frame.switcher.button).toHaveAccessibleName('Organisation: Summit Races (903) Enterprise');
  await expect(frame.account).toContainText(MEMBER);
  await frame.signOut.click();
  await expect(page).toHaveURL('/sign-in');
  await expect(new SignInPage(page).heading).toBeVisible();
});

test('a page that does not exist is a 404 with a link to Home', async ({ page, signIn, pageErrors }) => {
  pageErrors.allow(failedToLoad(404));
  await signIn(MEMBER);
  const response = await page.goto('/no-such-page');
  expect(response?.status()).toBe(404);
  await expect(page).toHaveTitle('Page not found · 9Pic');
  await expect(page.getByRole('heading', { level: 1, name: 'Page not found' })).toBeVisible();
  await waitForHydration(page);
  await page.getByRole('link', { name: 'Go to Home' }).click();
  await expect(page).toHaveURL('/');
  await expect(new Frame(page).account).toContainText(MEMBER);
});

test.describe('organisation switcher', () => {
  test('without a selection every page asks for one; the list can be searched and used by keyboard', async ({
    page,
    signIn,
  }) => {
    const { switcher, developerZone, events, main } = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/events');
    await expect(main.getByRole('heading', { level: 1, name: 'Events' })).toBeVisible();
    await expect(main.getByRole('heading', { name: 'Choose an organisation' })).toBeVisible();
    await expect(events).toBeVisible();
    await developerZone.click();
    await expect(page).toHaveURL('/developer-zone');
    await expect(switcher.button).toHaveText('Select organisation');
    await expect(main.getByRole('heading', { name: 'Choose an organisation' })).toBeVisible();
    await waitForHydration(page);

    await switcher.button.focus();
    await page.keyboard.press('Enter');
    await expect(switcher.search).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(switcher.list).toBeHidden();
    await expect(switcher.button).toBeFocused();

    await page.keyboard.press('Enter');
    await expect(switcher.search).toBeFocused();
    await expect(switcher.options).toHaveText([
      /^City Runners \(905\)\s*Pro$/,
      /^First Steps \(907\)\s*Trial$/,
      /^Harbour Events \(904\)\s*Enterprise$/,
      /^Summit Races \(903\)\s*Enterprise$/,
      /^Wedding Lens \(906\)\s*Pay As You Go$/,
    ]);
    await page.keyboard.press('ArrowDown');
    await expect(switcher.options.nth(0)).toBeFocused();
    await page.keyboard.press('ArrowDown');
    await expect(switcher.options.nth(1)).toBeFocused();
    await page.keyboard.press('End');
    await expect(switcher.options.nth(4)).toBeFocused();
    await page.keyboard.press('Home');
    await expect(switcher.options.nth(0)).toBeFocused();
    await page.keyboard.press('ArrowUp');
    await expect(switcher.search).toBeFocused();

    for (const [typed, found] of [
      ['HARBOUR', 'Harbour Events (904)'],
      ['906', 'Wedding Lens (906)'],
      ['  city ', 'City Runners (905)'],
      ['９０６', 'Wedding Lens (906)'],
      ['Wédding', 'Wedding Lens (906)'],
      ['We\u0301dding', 'Wedding Lens (906)'],
    ] as const) {
      await switcher.search.fill(typed);
      await expect(switcher.options).toHaveCount(1);
      await expect(switcher.options).toContainText(found);
    }
    await switcher.search.fill('nothing like it');
    await expect(switcher.options).toHaveCount(0);
    await expect(switcher.list.getByRole('status')).toContainText('nothing like it');
    await switcher.search.fill('');
    await expect(switcher.options).toHaveCount(5);

    await page.keyboard.type('summit');
    await expect(switcher.options).toHaveCount(1);
    await page.keyboard.press('Enter');
    await expect(switcher.button).toHaveText(/^Summit Races \(903\)/);
    await expect(page, 'the page stays').toHaveURL('/developer-zone');
  });

  test('the list marks the selection, and the account keeps it after signing out and in other browsers', async ({
    page,
    openContext,
    signIn,
  }) => {
    const frame = new Frame(page);
    const { switcher } = frame;
    await signIn(ADMIN);
    await openPage(page, '/events');
    await switcher.button.click();
    await switcher.option('Harbour Events (904)').click();
    await expect(switcher.button).toHaveText(/^Harbour Events \(904\)/);
    await expect(frame.main).toContainText('Harbour Regatta 2026');
    await waitForHydration(page);
    await switcher.button.click();
    await expect(switcher.option('Harbour Events (904)')).toHaveAttribute('aria-current', 'true');
    await expect(switcher.option('Summit Races (903)')).not.toHaveAttribute('aria-current');
    await page.keyboard.press('Escape');
    await frame.signOut.click();
    await new SignInPage(page).signIn(ADMIN);
    await expect(page).toHaveURL('/');
    await expect(switcher.button).toHaveText(/^Harbour Events \(904\)/);

    const otherPage = await (await openContext()).newPage();
    await otherPage.goto('/sign-in');
    await new SignInPage(otherPage).signIn(ADMIN);
    await expect(new Frame(otherPage).switcher.button).toHaveText(/^Harbour Events \(904\)/);
  });
});

test('with 200 organisations the recent ones come first, the others in natural order, and the search stays visible', async ({
  page,
  context,
  server,
  signIn,
}) => {
  const { switcher } = new Frame(page);
  const choose = new ChooseOrganisation(page);
  await server.addOrganisations(ADMIN, 195);
  await signIn(ADMIN);
  await openPage(page, '/');
  await expect(choose.options).toHaveCount(200);
  await choose.search.fill('club 17');
  await expect(choose.options).toHaveText([/^Club 17 /, /^Club 170 /, /^Club 171 /, /^Club 172 /].concat(
    Array.from({ length: 7 }, (_, n) => new RegExp(`^Club 17${n + 3} `)),
  ));
  await choose.options.first().click();
  await expect(switcher.button).toHaveText(/^Club 17 /);

  await selectOrganisation(context.request, HARBOUR);
  await openPage(page, '/events');
  await switcher.button.click();
  await expect(switcher.groups.first().getByRole('button')).toHaveText([/^Harbour Events/, /^Club 17 /]);
  await expect(switcher.option('Harbour Events (904)')).toBeInViewport();
  const others = await switcher.groups.nth(1).getByRole('button').allTextContents();
  expect(others.slice(1, 11).map((text) => text.replace(/ \(.*/s, ''))).toEqual(
    Array.from({ length: 10 }, (_, n) => `Club ${n + 1}`),
  );
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('End');
  await expect(switcher.options.last()).toBeFocused();
  await expect(switcher.options.last()).toBeInViewport();
  await expect(switcher.search).toBeInViewport({ ratio: 1 });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test('the sidebar is a drawer: Escape, its button and a link close it, and it has the switcher', async ({
    page,
    signIn,
  }) => {
    const frame = new Frame(page);
    await signIn(ADMIN, HARBOUR);
    await openPage(page, '/events');
    await expect(frame.navigation).toBeHidden();

    await frame.openMenu.click();
    await expect(frame.navigation).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(frame.navigation).toBeHidden();
    await expect(frame.openMenu).toBeFocused();

    await frame.openMenu.click();
    await frame.closeMenu.click();
    await expect(frame.navigation).toBeHidden();

    await frame.openMenu.click();
    await frame.developerZone.click();
    await expect(page).toHaveURL('/developer-zone');
    await expect(frame.navigation).toBeHidden();
    await waitForHydration(page);

    await frame.openMenu.click();
    await frame.switcher.button.click();
    await frame.switcher.search.fill('903');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/developer-zone');
    await expect(frame.topBar).toContainText('Summit Races (903)');
    await frame.openMenu.click();
    await expect(frame.switcher.button).toHaveText(/^Summit Races \(903\)/);
  });

  test('without a selection the page itself has a button for each organisation', async ({ page }) => {
    const choose = new ChooseOrganisation(page);
    await page.goto('/sign-in');
    await new SignInPage(page).signIn(ADMIN);
    await expect(choose.options).toHaveCount(5);
    await expect(choose.search, 'five need no search').toHaveCount(0);
    await choose.options.filter({ hasText: 'Summit Races (903)' }).click();
    await expect(page).toHaveURL('/');
    await expect(new Frame(page).topBar).toContainText('Summit Races (903)');
    await expect(new HomePage(page).figure('Next event')).toBeVisible();
  });
});
