// On a slow connection a user sees the page and clicks long before its WASM arrives.

import type { Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame, LockedItem } from '../pages/frame.ts';
import { clipboardText } from '../support/clipboard.ts';
import { ADMIN, EVENT, HARBOUR, MEMBER, TRIAL } from '../support/demo.ts';
import { expect, test, waitForHydration } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

/** Delays the WASM. Returns a function that lets it arrive. */
async function holdWasm(page: Page): Promise<() => void> {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/*.wasm', async (route) => {
    await released;
    await route.fallback();
  });
  return release;
}

/** The page's `load` event waits for the WASM. */
const EARLY = { waitUntil: 'commit' } as const;

test('the switch, the trash button and Create Token work without WASM', async ({ page, signIn, server }) => {
  const preview = previewOf(await createToken(server));
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await holdWasm(page);
  await page.goto('/developer-zone', EARLY);
  await zone.row(preview).switch.click();
  await expect(page.getByRole('status').filter({ hasText: `Token ${preview} is inactive.` })).toBeVisible();
  await expect(zone.row(preview).status).toHaveText('Inactive');
  await expect(page).toHaveURL(/\/developer-zone$/);

  await zone.row(preview).delete.click();
  const question = page.getByRole('region', { name: 'Delete API token?' });
  await expect(question).toContainText(`Token ${preview} will be permanently deleted. Services that use it`);
  await expect(question.getByRole('button', { name: 'Delete', exact: true })).toBeVisible();
  await question.getByRole('link', { name: 'Cancel' }).click();
  await expect(page).toHaveURL(/\/developer-zone$/);

  await page.goto('/developer-zone', EARLY);
  await zone.createToken.click();
  await expect(page).toHaveURL(/\/developer-zone\/tokens\/new/);
  await expect(page.getByRole('textbox', { name: 'Name' })).toBeVisible();
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('an early click on Copy is shown, and copies as soon as the WASM is there', async ({ page, signIn }) => {
    await signIn(MEMBER);
    const release = await holdWasm(page);
    await page.goto('/events', EARLY);
    const copy = new EventsPage(page).copyId(EVENT);
    await copy.click();
    await expect(copy, 'it looks pressed').toHaveCSS('cursor', 'progress');
    release();
    await waitForHydration(page);
    await expect(copy).toHaveCSS('cursor', 'pointer');
    await expect(new Frame(page).confirmations).toContainText(`Event ID ${EVENT} copied`);
    expect(await clipboardText(page)).toBe(String(EVENT));
  });
});

test('the locked item’s dialog opens early, and stays closed after it was closed', async ({ page, signIn }) => {
  await signIn(TRIAL);
  const release = await holdWasm(page);
  await page.goto('/events', EARLY);
  const lockedItem = new LockedItem(page);
  await lockedItem.item.click();
  await expect(lockedItem.dialog).toBeVisible();
  await lockedItem.close.click();
  await expect(lockedItem.dialog).toBeHidden();
  release();
  await waitForHydration(page);
  await expect(lockedItem.dialog).toBeHidden();
  await expect(page).toHaveURL('/events');
});

test('an early search among the organisations gives its result when the WASM is there', async ({
  page,
  signIn,
}) => {
  await signIn(ADMIN);
  const release = await holdWasm(page);
  await page.goto('/events', EARLY);
  const { switcher } = new Frame(page);
  await switcher.button.click();
  await switcher.search.fill(String(HARBOUR));
  release();
  await waitForHydration(page);
  await expect(switcher.search).toHaveValue(String(HARBOUR));
  await expect(switcher.options).toHaveCount(1);
});
