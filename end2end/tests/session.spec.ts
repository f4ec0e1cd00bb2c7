import type { BrowserContext, Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { failedToLoad, unwatched } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

test.beforeEach(({ collector }) => collector.allow(failedToLoad(401)));

/** Ends the session behind the page's back, as signing out in another tab does. */
async function signOutElsewhere(context: BrowserContext): Promise<void> {
  const answer = await context.request.post('/api/dashboard/sign-out', { maxRedirects: 0 });
  expect(answer.status()).toBe(303);
}

/** The dialog says what has happened, and leads through sign-in back to `path`. */
async function expectWayBack(page: Page, path: string): Promise<void> {
  const { sessionEnded } = new Frame(page);
  await expect(sessionEnded).toBeVisible();
  await sessionEnded.getByRole('link', { name: 'Sign in', exact: true }).click();
  await expect(new SignInPage(page).heading).toBeVisible();
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL(path);
}

for (const [what, act] of [
  ['switching', (zone: DeveloperZone, token: string) => zone.row(previewOf(token)).switch.click()],
  [
    'creating',
    async (zone: DeveloperZone) => {
      await zone.createToken.click();
      await zone.createDialog.create.click();
    },
  ],
  [
    'deleting',
    async (zone: DeveloperZone, token: string) => {
      await zone.row(previewOf(token)).delete.click();
      await zone.deleteDialog.delete.click();
    },
  ],
] as const) {
  test(`a session that ended is noticed when ${what}; sign-in leads back, and nothing was done`, async ({
    page,
    context,
    signIn,
    server,
  }) => {
    const token = await createToken(server);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await unwatched(page);
    await zone.open();
    await signOutElsewhere(context);
    await act(zone, token);
    await expectWayBack(page, '/developer-zone');
    await expect(zone.row(previewOf(token)).status).toHaveText('Active');
    expect(await listTokens(server)).toHaveLength(1);
  });
}

test('a session that ended while leafing through the events leads through sign-in to the page wanted', async ({
  page,
  context,
  signIn,
}) => {
  const events = new EventsPage(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await signOutElsewhere(context);
  await events.next.click();
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL('/events?page=2');
  await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
});

test('a session that ended leads from one page to another through sign-in', async ({ page, context, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  await signOutElsewhere(context);
  await new Frame(page).developerZone.click();
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL('/developer-zone');
  await expect(new DeveloperZone(page).empty).toBeVisible();
});

test('switching the organisation after the session has ended leads to sign-in, and back', async ({
  page,
  context,
  signIn,
}) => {
  const { switcher } = new Frame(page);
  await signIn(MEMBER);
  // What the page finds out by itself, it says in a dialog over the list of organisations.
  await unwatched(page);
  await openPage(page, '/developer-zone');
  await signOutElsewhere(context);
  await switcher.button.click();
  await switcher.option('Summit Races (903)').click();
  await expect(new SignInPage(page).heading).toBeVisible();
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL('/developer-zone');
});

test('signing out after the session has ended leads to sign-in', async ({ page, context, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  await signOutElsewhere(context);
  await new Frame(page).signOut.click();
  await expect(new SignInPage(page).heading).toBeVisible();
});

test('a token that is shown survives the end of the session', async ({ page, context, signIn }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  await signOutElsewhere(context);
  await expect(zone.newToken.field).toHaveValue(token);
  // The page finds out by itself, and says nothing over a token that is shown once.
  await page.waitForResponse('**/watch-tokens');
  await expect(zone.newToken.dialog).toBeVisible();
  await zone.newToken.done.click();
  await expectWayBack(page, '/developer-zone');
});

test('after signing out, going back shows nothing of the dashboard', async ({ page, signIn, server }) => {
  const token = await createToken(server);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.row(previewOf(token)).row).toBeVisible();
  await new Frame(page).signOut.click();
  await expect(page).toHaveURL('/sign-in');
  await page.goBack();
  await expect(new SignInPage(page).heading).toBeVisible();
  expect(await page.content()).not.toContain(previewOf(token));
});
