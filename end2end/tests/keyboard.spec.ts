import type { Locator, Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { HomePage } from '../pages/home.ts';
import { SignInPage } from '../pages/sign-in.ts';
import { clipboardText } from '../support/clipboard.ts';
import { ADMIN, MEMBER, PASSWORD } from '../support/demo.ts';
import { expect, waitForHydration, test } from '../support/fixtures.ts';
import { listTokens } from '../support/tokens.ts';

test.use({ permissions: ['clipboard-write'] });

const STEPS = 40;

/** Presses Tab until `wanted` has the focus. */
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

/** Moves the focus into the sidebar. On a phone the sidebar is a drawer, which this opens. */
async function openSidebar(page: Page, frame: Frame): Promise<void> {
  if (await frame.openMenu.isVisible()) {
    await tabTo(page, frame.openMenu);
    await page.keyboard.press('Enter');
    await expect(frame.navigation).toBeVisible();
  }
}

for (const width of [1280, 360]) {
  test(`the whole flow works by keyboard alone at ${width} px: sign in, select, create, copy, deactivate, delete, sign out`, async ({
    page,
    server,
  }) => {
    await page.setViewportSize({ width, height: 740 });
    const frame = new Frame(page);
    const zone = new DeveloperZonePage(page);
    await signInByKeyboard(page);

    await test.step('select an organisation', async () => {
      const { switcher } = frame;
      await openSidebar(page, frame);
      await tabTo(page, switcher.button);
      await page.keyboard.press('Enter');
      await expect(switcher.search).toBeFocused();
      await page.keyboard.type('summit');
      await page.keyboard.press('Enter');
      await expect(frame.main).toContainText('Three steps to your first call');
      await waitForHydration(page);
    });
    await test.step('to the Developer Zone', async () => {
      await openSidebar(page, frame);
      await tabTo(page, frame.developerZone);
      await page.keyboard.press('Enter');
      await expect(zone.empty).toBeVisible();
      await expect(frame.navigation).toBeVisible({ visible: width === 1280 });
      await waitForHydration(page);
    });
    const token = await createByKeyboard(page, zone);
    const row = zone.row(previewOf(token));
    await test.step('deactivate and activate', async () => {
      await tabTo(page, row.switch);
      await page.keyboard.press('Space');
      await expect(row.status).toHaveText('Inactive');
      await expect(row.switch, 'the focus stays').toBeFocused();
      await page.keyboard.press('Space');
      await expect(row.status).toHaveText('Active');
      await expect(row.switch).toBeFocused();
    });
    await test.step('delete', async () => {
      await tabTo(page, row.delete);
      await page.keyboard.press('Enter');
      await expect(zone.deleteDialog.cancel).toBeFocused();
      await page.keyboard.press('Enter');
      await expect(row.delete, 'Cancel leads back').toBeFocused();
      await page.keyboard.press('Enter');
      await expect(zone.deleteDialog.cancel).toBeFocused();
      await tabTo(page, zone.deleteDialog.delete);
      await page.keyboard.press('Enter');
      await expect(zone.empty).toBeVisible();
      await expect(zone.createToken).toBeFocused();
      expect(await listTokens(server)).toEqual([]);
    });
    await test.step('sign out', async () => {
      await openSidebar(page, frame);
      await tabTo(page, frame.signOut);
      await page.keyboard.press('Enter');
      await expect(page).toHaveURL('/sign-in');
      await expect(new SignInPage(page).email).toBeFocused();
    });
  });
}

async function signInByKeyboard(page: Page): Promise<void> {
  const form = new SignInPage(page);
  await page.goto('/sign-in');
  await expect(form.email).toBeFocused();
  await page.keyboard.type(ADMIN);
  await page.keyboard.press('Tab');
  await expect(form.password).toBeFocused();
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await expect(form.error).toBeFocused();
  await tabTo(page, form.password);
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(new HomePage(page).heading).toBeVisible();
  await waitForHydration(page);
}

async function createByKeyboard(page: Page, zone: DeveloperZonePage): Promise<string> {
  const { createDialog, newToken } = zone;
  await tabTo(page, zone.createToken);
  await page.keyboard.press('Enter');
  await expect(createDialog.dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(zone.createToken, 'Escape leads back').toBeFocused();
  await page.keyboard.press('Enter');
  await tabTo(page, createDialog.create);
  await page.keyboard.press('Enter');
  await expect(newToken.field).toBeFocused();
  const token = await newToken.field.inputValue();
  await tabTo(page, newToken.copy);
  await page.keyboard.press('Enter');
  await expect(newToken.status).toHaveText('Copied');
  await expect(newToken.copy, 'the focus stays').toBeFocused();
  expect(await clipboardText(page)).toBe(token);
  await tabTo(page, newToken.done);
  await page.keyboard.press('Enter');
  await expect(zone.createToken).toBeFocused();
  return token;
}

test('the focus can be seen in light, dark and forced colours, and nothing covers it', async ({ page, signIn }) => {
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await zone.open();
  await zone.createAndClose();
  for (const [look, media] of [
    ['light', { colorScheme: 'light', forcedColors: 'none' }],
    ['dark', { colorScheme: 'dark', forcedColors: 'none' }],
    ['forced', { colorScheme: 'light', forcedColors: 'active' }],
  ] as const) {
    await page.emulateMedia(media);
    await new Frame(page).skipLink.focus();
    const unseen: string[] = [];
    let stops = 0;
    for (let step = 0; step < STEPS; step += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(focusedElement);
      if (!focused) {
        break;
      }
      stops += 1;
      if (!focused.isOutlined || !focused.isInFront) {
        unseen.push(focused.name);
      }
    }
    expect(stops, look).toBeGreaterThan(8);
    expect(unseen, look).toEqual([]);
  }
});

/** The focused element: whether it has an outline, and whether its centre is in sight (WCAG 2.2, 2.4.7 and 2.4.11). */
function focusedElement() {
  const element = document.activeElement;
  if (!element || element === document.body) {
    return null;
  }
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const { left, top, width, height } = element.getBoundingClientRect();
  const inFront = document.elementFromPoint(left + width / 2, top + height / 2);
  return {
    name: element.outerHTML.slice(0, 120),
    isOutlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    isInFront: element.contains(inFront),
  };
}
