// The behaviour of a page after its session was ended elsewhere.

import type { BrowserContext, Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { blockPolling, failedToLoad } from '../support/requests.ts';
import { createToken, listTokens } from '../support/tokens.ts';

test.beforeEach(({ pageErrors }) => pageErrors.allow(failedToLoad(401)));

/** Ends the session without the page, as signing out in another tab does. */
async function endSession(context: BrowserContext): Promise<void> {
  const response = await context.request.post('/api/dashboard/sign-out', { maxRedirects: 0 });
  expect(response.status()).toBe(303);
}

/** Expects the dialog that says so, and follows it through sign-in back to `path`. */
async function signInFromDialog(page: Page, path: string): Promise<void> {
  const { sessionEnded } = new Frame(page);
  await expect(sessionEnded).toBeVisible();
  await sessionEnded.getByRole('link', { name: 'Sign in', exact: true }).click();
  await expect(new SignInPage(page).heading).toBeVisible();
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL(path);
}

test('switching, creating and deleting change nothing, and a dialog leads through sign-in back to the page', async ({
  page,
  context,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  const row = zone.row(previewOf(token));
  await signIn(MEMBER);
  await blockPolling(page);
  for (const [action, act] of [
    ['switching', () => row.switch.click()],
    [
      'creating',
      async () => {
        await zone.createToken.click();
        await zone.createDialog.create.click();
      },
    ],
    [
      'deleting',
      async () => {
        await row.delete.click();
        await zone.deleteDialog.delete.click();
      },
    ],
  ] as const) {
    await test.step(action, async () => {
      await zone.open();
      await endSession(context);
      await act();
      await signInFromDialog(page, '/developer-zone');
      await expect(row.status).toHaveText('Active');
      expect(await listTokens(server)).toHaveLength(1);
    });
  }
});

test('links and the organisation switcher lead through sign-in to the page wanted; signing out just leads to sign-in', async ({
  page,
  context,
  signIn,
}) => {
  const { developerZone, signOut, switcher } = new Frame(page);
  const events = new EventsPage(page);
  const form = new SignInPage(page);
  await signIn(MEMBER);
  // The dialog that a poll opens would cover the switcher.
  await blockPolling(page);

  await test.step('Next', async () => {
    await openPage(page, '/events');
    await endSession(context);
    await events.next.click();
    await form.signIn(MEMBER);
    await expect(page).toHaveURL('/events?page=2');
    await expect(events.shown).toHaveText('Showing 31 to 60 of 87 events');
  });
  await test.step('another page', async () => {
    await openPage(page, '/events');
    await endSession(context);
    await developerZone.click();
    await form.signIn(MEMBER);
    await expect(page).toHaveURL('/developer-zone');
    await expect(new DeveloperZonePage(page).empty).toBeVisible();
  });
  await test.step('the switcher', async () => {
    await openPage(page, '/developer-zone');
    await endSession(context);
    await switcher.button.click();
    await switcher.option('Summit Races (903)').click();
    await expect(form.heading).toBeVisible();
    await form.signIn(MEMBER);
    await expect(page).toHaveURL('/developer-zone');
  });
  await test.step('signing out', async () => {
    await openPage(page, '/events');
    await endSession(context);
    await signOut.click();
    await expect(form.heading).toBeVisible();
  });
});

test('a shown token stays shown, and the dialog opens after Done', async ({ page, context, signIn }) => {
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  const refused = page.waitForResponse(
    (response) => response.url().includes('/watch-tokens') && response.status() === 401,
  );
  await endSession(context);
  await expect(zone.newToken.field).toHaveValue(token);
  await refused;
  await expect(zone.newToken.dialog).toBeVisible();
  await expect(zone.newToken.field).toHaveValue(token);
  await zone.newToken.putAway();
  await signInFromDialog(page, '/developer-zone');
});

test('after the session ended and Escape, a banner stays with Sign in, and says nothing about changes if none was tried', async ({
  page,
  context,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  const { sessionEnded } = new Frame(page);
  await signIn(MEMBER);
  await zone.open();
  const banner = page.getByRole('status').filter({ hasText: 'Your session has ended' });
  await expect(banner).toHaveCount(0);
  await endSession(context);
  await expect(sessionEnded).toContainText('Sign in again to return to this page.');
  await expect(sessionEnded).not.toContainText('Nothing was changed');
  await sessionEnded.getByRole('button', { name: 'Stay on this page', exact: true }).click();
  await expect(sessionEnded).toBeHidden();
  await expect(banner).toBeVisible();
  await expectAccessible(page);

  await zone.row(previewOf(token)).switch.click();
  await expect(sessionEnded).toContainText('Nothing was changed. Sign in again');
  await page.keyboard.press('Escape');
  await banner.getByRole('link', { name: 'Sign in', exact: true }).click();
  await new SignInPage(page).signIn(MEMBER);
  await expect(page).toHaveURL('/developer-zone');
  await expect(zone.row(previewOf(token)).status).toHaveText('Active');
  await expect(banner).toHaveCount(0);
});

test('after signing out, Back shows nothing of the dashboard', async ({ page, signIn, server }) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await expect(zone.row(previewOf(token)).row).toBeVisible();
  await new Frame(page).signOut.click();
  await expect(page).toHaveURL('/sign-in');
  await page.goBack();
  await expect(new SignInPage(page).heading).toBeVisible();
  expect(await page.content()).not.toContain(previewOf(token));
});
