import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { ADMIN, MEMBER } from '../support/demo.ts';
import { expect, hydrated, openPage, test } from '../support/fixtures.ts';

test('every page has its title, and the navigation marks the current one', async ({
  page,
  signIn,
}) => {
  const frame = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(page).toHaveTitle('Events · 9Pic');
  await expect(frame.events).toHaveAttribute('aria-current', 'page');
  await expect(frame.developerZone).not.toHaveAttribute('aria-current');

  await frame.developerZone.click();
  await expect(page).toHaveURL('/developer-zone');
  await expect(page).toHaveTitle('Developer Zone · 9Pic');
  await expect(frame.developerZone).toHaveAttribute('aria-current', 'page');
  await expect(frame.events).not.toHaveAttribute('aria-current');
});

test('the first Tab reaches the skip link, which leads past the sidebar', async ({ page, signIn }) => {
  const frame = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await page.keyboard.press('Tab');
  await expect(frame.skipLink).toBeFocused();
  await expect(frame.skipLink).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(frame.main).toBeFocused();
});

test('the navigation has three items in order; the documentation opens in a new tab and says so', async ({
  page,
  signIn,
}) => {
  const frame = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(frame.navigation.getByRole('link')).toHaveText([
    'Events',
    'Developer Zone',
    /^API documentation/,
  ]);
  await expect(frame.documentation).toHaveAccessibleName(/new tab/);
  const [tab] = await Promise.all([page.waitForEvent('popup'), frame.documentation.click()]);
  await expect(tab).toHaveURL('/docs');
  await expect(tab.getByRole('heading', { level: 1, name: 'API documentation' })).toBeVisible();
  await expect(page).toHaveURL('/events');
});

test('the account names who is signed in, and offers the way out', async ({ page, signIn }) => {
  const frame = new Frame(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(frame.account).toContainText(MEMBER);
  await frame.signOut.click();
  await expect(page).toHaveURL('/sign-in');
  await expect(new SignInPage(page).heading).toBeVisible();
});

test('a page that does not exist is a 404 with a way back', async ({ page, signIn, collector }) => {
  collector.allow(/^console error: Failed to load resource: .*status of 404/);
  await signIn(MEMBER);
  const answer = await page.goto('/no-such-page');
  expect(answer?.status()).toBe(404);
  await expect(page).toHaveTitle('Page not found · 9Pic');
  await expect(page.getByRole('heading', { level: 1, name: 'Page not found' })).toBeVisible();
  await hydrated(page);
  await page.getByRole('link', { name: 'Go to Events' }).click();
  await expect(page).toHaveURL('/events');
  await expect(new Frame(page).account).toContainText(MEMBER);
});

test.describe('organisation switcher', () => {
  test('whoever belongs to one organisation works in it at once', async ({ page, signIn }) => {
    const { switcher } = new Frame(page);
    await signIn(MEMBER);
    await openPage(page, '/events');
    await expect(switcher.button).toHaveText(/^Summit Races \(903\)\s*Enterprise$/);
  });

  test('nobody’s choice yet and more than one organisation: it asks to select one', async ({
    page,
    signIn,
  }) => {
    const { switcher, developerZone, events, main } = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/developer-zone');
    await expect(switcher.button).toHaveText('Select organisation');
    await expect(main.getByRole('heading', { name: 'Choose an organisation' })).toBeVisible();
    await expect(main.getByText(/sidebar/)).toBeVisible();
    await events.click();
    await expect(main.getByRole('heading', { level: 1, name: 'Events' })).toBeVisible();
    await expect(main.getByRole('heading', { name: 'Choose an organisation' })).toBeVisible();
    await expect(developerZone).toBeVisible();
  });

  test('it lists every organisation with its plan, and has the focus in the search', async ({
    page,
    signIn,
  }) => {
    const { switcher } = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/events');
    await switcher.button.click();
    await expect(switcher.search).toBeFocused();
    await expect(switcher.options).toHaveText([
      /^City Runners \(905\)\s*Pro$/,
      /^First Steps \(907\)\s*Trial$/,
      /^Harbour Events \(904\)\s*Enterprise$/,
      /^Summit Races \(903\)\s*Enterprise$/,
      /^Wedding Lens \(906\)\s*Pay As You Go$/,
    ]);
  });

  test('the search filters by name and by id, and says when nothing fits', async ({ page, signIn }) => {
    const { switcher } = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/events');
    await switcher.button.click();
    for (const [typed, found] of [
      ['HARBOUR', 'Harbour Events (904)'],
      ['906', 'Wedding Lens (906)'],
      ['  city ', 'City Runners (905)'],
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
  });

  test('arrow keys, Enter and Escape do what they do in a list', async ({ page, signIn }) => {
    const { switcher } = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/developer-zone');
    await switcher.button.focus();
    await page.keyboard.press('Enter');
    await expect(switcher.search).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(switcher.list).toBeHidden();
    await expect(switcher.button).toBeFocused();

    await page.keyboard.press('Enter');
    await expect(switcher.search).toBeFocused();
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

    await page.keyboard.type('summit');
    await expect(switcher.options).toHaveCount(1);
    await page.keyboard.press('Enter');
    await expect(switcher.button).toHaveText(/^Summit Races \(903\)/);
    await expect(page, 'one stays on the page one was on').toHaveURL('/developer-zone');
  });

  test('the choice is remembered on the account, across signing out and other browsers', async ({
    page,
    openContext,
    signIn,
  }) => {
    const frame = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/events');
    await frame.switcher.button.click();
    await frame.switcher.option('Harbour Events (904)').click();
    await expect(frame.switcher.button).toHaveText(/^Harbour Events \(904\)/);
    await expect(frame.main).toContainText('Harbour Regatta 2026');
    await frame.signOut.click();
    await new SignInPage(page).signIn(ADMIN);
    await expect(page).toHaveURL('/events');
    await expect(frame.switcher.button).toHaveText(/^Harbour Events \(904\)/);

    const elsewhere = await (await openContext()).newPage();
    await elsewhere.goto('/sign-in');
    await new SignInPage(elsewhere).signIn(ADMIN);
    await expect(new Frame(elsewhere).switcher.button).toHaveText(/^Harbour Events \(904\)/);
  });

  test('the list marks the organisation one works in', async ({ page, signIn }) => {
    const { switcher } = new Frame(page);
    await signIn(ADMIN, 904);
    await openPage(page, '/events');
    await switcher.button.click();
    await expect(switcher.option('Harbour Events (904)')).toHaveAttribute('aria-current', 'true');
    await expect(switcher.option('Summit Races (903)')).not.toHaveAttribute('aria-current');
  });

  test.describe('without script', () => {
    test.use({ javaScriptEnabled: false });

    test('an organisation can be chosen', async ({ page, signIn }) => {
      const { switcher } = new Frame(page);
      await signIn(ADMIN);
      await page.goto('/developer-zone');
      await switcher.button.click();
      await switcher.option('Summit Races (903)').click();
      await expect(page).toHaveURL('/developer-zone');
      await expect(switcher.button).toHaveText(/^Summit Races \(903\)/);
    });
  });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 360, height: 740 } });

  test('the sidebar is a drawer that Escape, its button and a link close', async ({ page, signIn }) => {
    const frame = new Frame(page);
    await signIn(MEMBER);
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
  });

  test('the organisation can be switched from the drawer', async ({ page, signIn }) => {
    const { openMenu, switcher } = new Frame(page);
    await signIn(ADMIN);
    await openPage(page, '/events');
    await openMenu.click();
    await switcher.button.click();
    await switcher.search.fill('904');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('main')).toContainText('Harbour Regatta 2026');
    await openMenu.click();
    await expect(switcher.button).toHaveText(/^Harbour Events \(904\)/);
  });
});
