// On a plan without the Developer Zone, its item in the sidebar is locked and its pages show an upgrade text.

import type { Page } from '@playwright/test';

import { ActivityPage } from '../pages/activity.ts';
import { DeveloperZonePage } from '../pages/developer-zone.ts';
import { Frame, LockedItem } from '../pages/frame.ts';
import { ADMIN, LOCKED, MEMBER, SUMMIT, TRIAL } from '../support/demo.ts';
import { expect, openPage, selectOrganisation, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

const CONTACT = 'https://9pic.ai/contact';

async function expectUpgradeText(page: Page, sentence: string): Promise<void> {
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { name: 'Enterprise Plan Required' })).toBeVisible();
  await expect(main).toContainText(sentence);
  await expect(main.getByRole('link', { name: /^Contact 9Pic/ })).toHaveAttribute('href', CONTACT);
}

test('on each such plan, the locked item opens a dialog, and both pages show the upgrade text and no data', async ({
  page,
  context,
  signIn,
}) => {
  const lockedItem = new LockedItem(page);
  const activity = new ActivityPage(page);
  await signIn(ADMIN);
  for (const { id, name, plan } of LOCKED) {
    await test.step(plan, async () => {
      const sentence = `${name} (${id}) is on the ${plan} plan.`;
      await selectOrganisation(context.request, id);
      await openPage(page, '/events');
      await expect(new Frame(page).developerZone, 'the item is no link').toHaveCount(0);
      await expect(lockedItem.item).toHaveAccessibleDescription('Enterprise plan required');
      await lockedItem.item.click();
      await expect(lockedItem.dialog).toBeVisible();
      await expect(lockedItem.dialog).toContainText(sentence);
      await expect(lockedItem.dialog).toContainText(/API tokens/);
      await expect(lockedItem.contact).toHaveAttribute('href', CONTACT);
      await lockedItem.close.click();
      await expect(lockedItem.dialog).toBeHidden();
      await expect(lockedItem.item).toBeFocused();
      await expect(page).toHaveURL('/events');

      await openPage(page, '/developer-zone');
      await expect(page).toHaveTitle('Developer Zone · 9Pic');
      await expectUpgradeText(page, sentence);
      await expect(new DeveloperZonePage(page).card).toHaveCount(0);

      await activity.open();
      await expectUpgradeText(page, sentence);
      await expect(activity.card).toHaveCount(0);
      await expect(activity.activity).toHaveCount(0);
    });
  }
});

test('the item is locked from the next page on after the plan changes, and existing tokens are hidden', async ({
  page,
  signIn,
  server,
}) => {
  const token = await createToken(server);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(new LockedItem(page).item).toHaveCount(0);
  await expect(new Frame(page).developerZone).toBeVisible();

  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'pro');
  await openPage(page, '/developer-zone');
  await expectUpgradeText(page, 'Summit Races (903) is on the Pro plan.');
  await expect(zone.card).toHaveCount(0);
  expect(await page.content()).not.toContain(token.slice(0, 5));

  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'enterprise');
  await page.reload();
  await expect(zone.count(1)).toBeVisible();
});

test('the locked item is faded with a lock, and hover, focus, Escape and Enter do what they do elsewhere', async ({
  page,
  signIn,
}) => {
  const { item, tooltip, dialog } = new LockedItem(page);
  const { events, main } = new Frame(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await expect(item.locator('svg')).toHaveCount(2);
  await expect(events.locator('svg')).toHaveCount(1);

  await test.step('the tooltip shows on hover, until the pointer leaves or Escape', async () => {
    await expect(tooltip).toBeHidden();
    await item.hover();
    await expect(tooltip).toBeVisible();
    await expect(tooltip).toHaveText('Enterprise plan required');
    const [of, documentation] = [await tooltip.boundingBox(), await new Frame(page).documentation.boundingBox()];
    expect(of!.x, 'beside the next item').toBeGreaterThanOrEqual(documentation!.x + documentation!.width);
    await main.hover();
    await expect(tooltip).toBeHidden();
    await item.hover();
    await expect(tooltip).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(tooltip).toBeHidden();
    await main.hover();
  });

  await test.step('the tooltip shows on keyboard focus, and Escape hides it until the next focus', async () => {
    await events.focus();
    await page.keyboard.press('Tab');
    await expect(item).toBeFocused();
    await expect(tooltip).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(tooltip).toBeHidden();
    await expect(item, 'the focus stays').toBeFocused();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Tab');
    await expect(tooltip).toBeVisible();
  });

  await test.step('Enter opens the dialog, and Escape closes it', async () => {
    for (const time of ['once', 'again']) {
      await page.keyboard.press('Enter');
      await expect(dialog, time).toBeVisible();
      await page.keyboard.press('Escape');
      await expect(dialog, time).toBeHidden();
      await expect(item, time).toBeFocused();
    }
  });

  await openPage(page, '/developer-zone');
  const colour = (item: typeof events) => item.evaluate((item) => getComputedStyle(item).color);
  expect(await colour(item)).not.toBe(await colour(events));
});

test.describe('with the operator’s own contact address', () => {
  test.use({
    javaScriptEnabled: false,
    serverOptions: { args: ['--contact-url', 'mailto:sales@example.com'] },
  });

  test('the dialog leads there, and opens and closes without script', async ({ page, signIn }) => {
    const lockedItem = new LockedItem(page);
    await signIn(TRIAL);
    await page.goto('/events');
    await lockedItem.item.click();
    await expect(lockedItem.dialog).toBeVisible();
    await expect(lockedItem.contact).toHaveAttribute('href', 'mailto:sales@example.com');
    await lockedItem.close.click();
    await expect(lockedItem.dialog).toBeHidden();
  });
});
