import type { Page } from '@playwright/test';

import { DeveloperZone } from '../pages/developer-zone.ts';
import { Frame, Lock } from '../pages/frame.ts';
import { ADMIN, LOCKED, MEMBER, SUMMIT, TRIAL } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';

const CONTACT = 'https://9pic.ai/contact';

for (const { id, name, plan } of LOCKED) {
  test.describe(`on ${plan}`, () => {
    test('the item stays, opens a dialog over the page one is on, and leads to 9Pic', async ({
      page,
      signIn,
    }) => {
      const lock = new Lock(page);
      await signIn(ADMIN, id);
      await openPage(page, '/events');
      await expect(new Frame(page).developerZone, 'it is no link').toHaveCount(0);
      await expect(lock.item).toHaveAccessibleDescription('Enterprise plan required');
      await lock.item.click();
      await expect(lock.dialog).toBeVisible();
      await expect(page).toHaveURL('/events');
      await expect(lock.dialog).toContainText(`${name} (${id}) is on the ${plan} plan.`);
      await expect(lock.dialog).toContainText(/API tokens/);
      await expect(lock.contact).toHaveAttribute('href', CONTACT);
      await lock.close.click();
      await expect(lock.dialog).toBeHidden();
      await expect(lock.item).toBeFocused();
      await expect(page).toHaveURL('/events');
    });

    test('/developer-zone by address says the same as a page, and shows no tokens', async ({
      page,
      signIn,
      server,
    }) => {
      await server.cli('organisation', 'set-plan', '--id', `${id}`, '--plan', 'enterprise');
      await server.cli('token', 'create', '--organisation', `${id}`, '--created-by', ADMIN);
      const [token] = JSON.parse(await server.cli('token', 'list', '--organisation', `${id}`, '--json'));
      const code = plan.toLowerCase().replaceAll(' ', '-');
      await server.cli('organisation', 'set-plan', '--id', `${id}`, '--plan', code);

      await signIn(ADMIN, id);
      await openPage(page, '/developer-zone');
      await expect(page).toHaveTitle('Developer Zone · 9Pic');
      await expectMessageOnPage(page, `${name} (${id}) is on the ${plan} plan.`);
      await expect(new DeveloperZone(page).card).toHaveCount(0);
      expect(await page.content()).not.toContain(token.token.slice(0, 5));
    });
  });
}

async function expectMessageOnPage(page: Page, sentence: string): Promise<void> {
  const main = page.getByRole('main');
  await expect(main.getByRole('heading', { name: 'Enterprise Plan Required' })).toBeVisible();
  await expect(main).toContainText(sentence);
  await expect(main.getByRole('link', { name: /^Contact 9Pic/ })).toHaveAttribute('href', CONTACT);
}

test('the tooltip shows on hover, and goes with the pointer', async ({ page, signIn }) => {
  const lock = new Lock(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await expect(lock.tooltip).toBeHidden();
  await lock.item.hover();
  await expect(lock.tooltip).toBeVisible();
  await expect(lock.tooltip).toHaveText('Enterprise plan required');
  await new Frame(page).main.hover();
  await expect(lock.tooltip).toBeHidden();
});

test('the tooltip shows on keyboard focus, and Escape dismisses it', async ({ page, signIn }) => {
  const lock = new Lock(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await new Frame(page).events.focus();
  await page.keyboard.press('Tab');
  await expect(lock.item).toBeFocused();
  await expect(lock.tooltip).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(lock.tooltip).toBeHidden();
  await expect(lock.item, 'the focus stays').toBeFocused();

  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  await expect(lock.tooltip, 'it comes again with the next visit').toBeVisible();
});

test('Escape dismisses the tooltip that hovering shows, wherever the focus is', async ({
  page,
  signIn,
}) => {
  const lock = new Lock(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await lock.item.hover();
  await expect(lock.tooltip).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(lock.tooltip).toBeHidden();
});

test('the dialog opens by keyboard, and Escape closes it', async ({ page, signIn }) => {
  const lock = new Lock(page);
  await signIn(TRIAL);
  await openPage(page, '/events');
  await lock.item.focus();
  await page.keyboard.press('Enter');
  await expect(lock.dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(lock.dialog).toBeHidden();
  await expect(lock.item).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(lock.dialog, 'and again').toBeVisible();
});

test('the locked item is faded and carries a lock', async ({ page, signIn }) => {
  const lock = new Lock(page);
  const { events } = new Frame(page);
  await signIn(TRIAL);
  await openPage(page, '/developer-zone');
  const colour = (item: typeof events) => item.evaluate((item) => getComputedStyle(item).color);
  expect(await colour(lock.item)).not.toBe(await colour(events));
  await expect(lock.item.locator('svg')).toHaveCount(2);
  await expect(events.locator('svg')).toHaveCount(1);
});

test('on Enterprise nothing is locked', async ({ page, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  await expect(new Lock(page).item).toHaveCount(0);
  await expect(new Frame(page).developerZone).toBeVisible();
});

test('the lock follows the plan with the next page', async ({ page, signIn, server }) => {
  await signIn(MEMBER);
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'pro');
  await openPage(page, '/developer-zone');
  await expectMessageOnPage(page, 'Summit Races (903) is on the Pro plan.');
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'enterprise');
  await page.reload();
  await expect(new DeveloperZone(page).empty).toBeVisible();
});

test.describe('with a contact address of the operator’s', () => {
  test.use({ serverOptions: { args: ['--contact-url', 'mailto:sales@example.com'] } });

  test('Enterprise enquiries go there', async ({ page, signIn }) => {
    const lock = new Lock(page);
    await signIn(TRIAL);
    await openPage(page, '/events');
    await lock.item.click();
    await expect(lock.contact).toHaveAttribute('href', 'mailto:sales@example.com');
  });
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('the dialog opens and closes all the same', async ({ page, signIn }) => {
    const lock = new Lock(page);
    await signIn(TRIAL);
    await page.goto('/events');
    await lock.item.click();
    await expect(lock.dialog).toBeVisible();
    await lock.close.click();
    await expect(lock.dialog).toBeHidden();
  });
});
