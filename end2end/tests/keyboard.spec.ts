import type { Locator, Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame } from '../pages/frame.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { clipboardText } from '../support/clipboard.ts';
import { MEMBER, PASSWORD } from '../support/demo.ts';
import { expect, hydrated, test } from '../support/fixtures.ts';
import { listTokens } from '../support/tokens.ts';

test.use({ permissions: ['clipboard-write'] });

const STEPS = 40;

/** Presses Tab until `wanted` has the focus, as somebody without a mouse does. */
async function tabTo(page: Page, wanted: Locator): Promise<void> {
  await expect(wanted).toBeVisible();
  for (let step = 0; step < STEPS; step += 1) {
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  await expect(wanted, `reached within ${STEPS} tabs`).toBeFocused();
}

test('everything works by keyboard alone: sign in, create, copy, done, switch, delete, sign out', async ({
  page,
  server,
}) => {
  const frame = new Frame(page);
  const zone = new DeveloperZone(page);
  const form = new SignInPage(page);
  await page.goto('/sign-in');
  await expect(form.email).toBeFocused();
  await page.keyboard.type(MEMBER);
  await page.keyboard.press('Tab');
  await expect(form.password).toBeFocused();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(new EventsPage(page).heading).toBeVisible();
  await hydrated(page);

  await tabTo(page, frame.developerZone);
  await page.keyboard.press('Enter');
  await tabTo(page, zone.createToken);
  await page.keyboard.press('Enter');
  await tabTo(page, zone.createDialog.create);
  await page.keyboard.press('Enter');
  await expect(zone.newToken.field).toBeFocused();
  const token = await zone.newToken.field.inputValue();

  await tabTo(page, zone.newToken.copy);
  await page.keyboard.press('Enter');
  await expect(zone.newToken.status).toHaveText('Copied');
  expect(await clipboardText(page)).toBe(token);
  await tabTo(page, zone.newToken.done);
  await page.keyboard.press('Enter');
  await expect(zone.createToken).toBeFocused();

  const row = zone.row(previewOf(token));
  await tabTo(page, row.switch);
  await page.keyboard.press('Space');
  await expect(row.status).toHaveText('Inactive');
  await expect(row.switch, 'the focus stays').toBeFocused();
  await page.keyboard.press('Space');
  await expect(row.status).toHaveText('Active');

  await tabTo(page, row.delete);
  await page.keyboard.press('Enter');
  await expect(zone.deleteDialog.cancel).toBeFocused();
  await tabTo(page, zone.deleteDialog.delete);
  await page.keyboard.press('Enter');
  await expect(zone.empty).toBeVisible();
  await expect(zone.createToken).toBeFocused();
  expect(await listTokens(server)).toEqual([]);

  await tabTo(page, frame.signOut);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/sign-in');
});

test('what has the focus can be seen', async ({ page, signIn }) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createAndClose();
  await new Frame(page).skipLink.focus();
  const unseen: string[] = [];
  for (let step = 0; step < STEPS; step += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) {
        return null;
      }
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      const seen = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
      return { name: element.outerHTML.slice(0, 120), seen };
    });
    if (!stop) {
      break;
    }
    if (!stop.seen) {
      unseen.push(stop.name);
    }
  }
  expect(unseen).toEqual([]);
});
