import type { Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { EventsPage } from '../pages/events.ts';
import { Frame, Lock } from '../pages/frame.ts';
import { clipboardText } from '../support/clipboard.ts';
import { ADMIN, EVENT, HARBOUR, MEMBER, TRIAL } from '../support/demo.ts';
import { expect, hydrated, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

// On a slow connection the page is there long before the script that takes its islands over.

/** Holds the WASM back. Gives what lets it go. */
async function withoutWasm(page: Page): Promise<() => void> {
  let letGo!: () => void;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  await page.route('**/*.wasm', async (route) => {
    await gate;
    await route.fallback();
  });
  return letGo;
}

const soon = { waitUntil: 'commit' } as const;

test('Create Token leads to a page that does the same', async ({ page, signIn }) => {
  await signIn(MEMBER);
  await withoutWasm(page);
  await page.goto('/developer-zone', soon);
  await new DeveloperZone(page).createToken.click();
  await expect(page).toHaveURL(/\/developer-zone\/tokens\/new/);
  await expect(page.getByRole('textbox', { name: 'Name' })).toBeVisible();
});

test('the switch switches, and the page says so', async ({ page, signIn, server }) => {
  const preview = previewOf(await createToken(server));
  await signIn(MEMBER);
  await withoutWasm(page);
  await page.goto('/developer-zone', soon);
  const zone = new DeveloperZone(page);
  await zone.row(preview).switch.click();
  await expect(page.getByRole('status').filter({ hasText: `Token ${preview} is inactive.` })).toBeVisible();
  await expect(zone.row(preview).status).toHaveText('Inactive');
  await expect(page).toHaveURL(/\/developer-zone$/);
});

test('the trash button leads to the question', async ({ page, signIn, server }) => {
  const preview = previewOf(await createToken(server));
  await signIn(MEMBER);
  await withoutWasm(page);
  await page.goto('/developer-zone', soon);
  await new DeveloperZone(page).row(preview).delete.click();
  await expect(page.getByText('will be deleted for good')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Delete for good' })).toBeVisible();
});

test('a click on Copy is kept until it can be done', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const letGo = await withoutWasm(page);
  await page.goto('/events', soon);
  await new EventsPage(page).copyId(EVENT).click();
  letGo();
  await hydrated(page);
  await expect(new Frame(page).confirmations).toContainText(`Event ID ${EVENT} copied`);
  expect(await clipboardText(page)).toBe(String(EVENT));
});

test('the lock explains itself, and stays closed once it was closed', async ({ page, signIn }) => {
  await signIn(TRIAL);
  const letGo = await withoutWasm(page);
  await page.goto('/events', soon);
  const lock = new Lock(page);
  await lock.item.click();
  await expect(lock.dialog).toBeVisible();
  await lock.close.click();
  await expect(lock.dialog).toBeHidden();
  letGo();
  await hydrated(page);
  await expect(lock.dialog).toBeHidden();
  await expect(page).toHaveURL('/events');
});

test('what was typed into the search of organisations is searched for', async ({ page, signIn }) => {
  await signIn(ADMIN);
  const letGo = await withoutWasm(page);
  await page.goto('/events', soon);
  const { switcher } = new Frame(page);
  await switcher.button.click();
  await switcher.search.fill(String(HARBOUR));
  letGo();
  await hydrated(page);
  await expect(switcher.search).toHaveValue(String(HARBOUR));
  await expect(switcher.options).toHaveCount(1);
});
