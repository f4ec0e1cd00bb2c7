import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { HomePage } from '../pages/home.ts';
import { MEMBER, TRIAL } from '../support/demo.ts';
import { ping, PONG } from '../support/external-api.ts';
import { expect, test, waitForHydration } from '../support/fixtures.ts';
import { createToken, listTokens } from '../support/tokens.ts';

test.use({ permissions: ['clipboard-write'] });

test('the three steps tick themselves, the figures follow the calls, and the last changes are those of the trail', async ({
  page,
  server,
  signIn,
}) => {
  const home = new HomePage(page);
  const zone = new DeveloperZonePage(page);
  const done = (count: number) =>
    expect(home.steps).toHaveText(
      ['Create a token', 'Copy it', 'Make the first call'].map(
        (step, n) => new RegExp(`^\\s*${n < count ? 'Done' : 'Not done yet'}: ${step}`),
      ),
    );
  await signIn(MEMBER);
  await home.open();
  await expect(page).toHaveTitle('Home · 9Pic');
  await expect(new Frame(page).home).toHaveAttribute('aria-current', 'page');
  await done(0);
  await expect(home.figure('Active tokens')).toContainText('No API tokens yet');
  await expect(home.changes).toHaveCount(0);

  const token = await createToken(server);
  await home.open();
  await done(1);

  await new Frame(page).developerZone.click();
  await waitForHydration(page);
  const noted = page.waitForResponse(/\/note-copy/);
  const copied = await zone.create();
  await zone.newToken.copy.click();
  expect((await noted).status()).toBe(200);
  await zone.newToken.done.click();
  await home.open();
  await done(2);
  await expect(home.figure('Active tokens')).toContainText(/^Active tokens\s*2/);
  await expect(home.changes).toHaveText([
    new RegExp(`^${MEMBER} created token ${copied.slice(0, 5)}`),
    new RegExp(`^9Pic support created token ${token.slice(0, 5)}\\*{3} in the name of ${MEMBER}`),
  ]);

  expect(await ping(server, copied)).toEqual(PONG);
  expect((await ping(server, copied, { event: 556 })).code).toBe('event_mismatch');
  await home.open();
  await done(3);
  await expect(async () => {
    await page.reload();
    await expect(home.figure('Accepted calls today')).toContainText(/^Accepted calls today\s*1\s*Yesterday: 0/, {
      timeout: 100,
    });
  }).toPass();
  await expect(home.figure('Refused calls today')).toContainText(
    'Main reason: The organisation has no event with this ID.',
  );
  const preview = previewOf(copied);
  await expect(home.changes.first().getByRole('link', { name: preview })).toBeVisible();
  await home.figure('Refused calls today').getByRole('link', { name: preview }).click();
  await expect(page.getByRole('heading', { level: 1, name: preview })).toBeVisible();
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('Home is complete, and says on other plans what the Developer Zone would give', async ({
    page,
    context,
    server,
    signIn,
  }) => {
    const home = new HomePage(page);
    const preview = previewOf(await createToken(server));
    expect(await listTokens(server)).toHaveLength(1);
    await signIn(MEMBER);
    await page.goto('/');
    await expect(home.figure('Next event')).toContainText(/ID \d+/);
    await expect(home.changes).toContainText([`created token ${preview}`]);

    await context.clearCookies();
    await signIn(TRIAL);
    await page.goto('/');
    await expect(home.figure('Next event')).toContainText('No event has a date from today on.');
    await expect(home.figure('Active tokens')).toHaveCount(0);
    await expect(home.changes).toHaveCount(0);
    await expect(home.locked).toContainText('First Steps (907) is on the Trial plan.');
    await expect(home.locked.getByRole('listitem')).toHaveCount(3);
    await expect(home.locked.getByRole('link', { name: /^Contact 9Pic/ })).toBeVisible();
  });
});
