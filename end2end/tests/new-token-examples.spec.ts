// The dialog of a new token: examples that use it, and a button that tests it.

import type { Page } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { clipboardText, noClipboard } from '../support/clipboard.ts';
import { FIRST_STEPS, MEMBER, SUMMIT, TRIAL } from '../support/demo.ts';
import { runExample } from '../support/examples.ts';
import { ping, PONG as ACCEPTED } from '../support/external-api.ts';
import { expect, test } from '../support/fixtures.ts';
import {
  respondUnavailable,
  breakConnection,
  CONNECTION_FAILED,
  failedToLoad,
  HeldRequests,
} from '../support/requests.ts';
import { changeByCli } from '../support/tokens.ts';

/** The newest event of 903 that is published and configured. */
const EXAMPLE_EVENT = 458;

const PONG = {
  responseType: 'success',
  message: 'pong',
  data: { status: 'ok', org_id: SUMMIT, event_id: EXAMPLE_EVENT },
};

const LANGUAGES = [
  { name: 'cURL', language: 'sh' },
  { name: 'Python', language: 'python' },
  { name: 'JavaScript', language: 'javascript' },
] as const;

const NAMES = LANGUAGES.map(({ name }) => name);

/** The guard's checks of a ping, in their order. */
const CHECKS = [
  'The key was sent',
  'The host is allowed',
  'The token exists',
  'The token is active',
  'The organisation is on the Enterprise plan',
  'The token is within its rate limit',
  'The organisation owns the token',
  'The event belongs to the organisation',
  'The event is configured',
];

/** Opens the Developer Zone and creates a token, which stays shown. */
async function showNewToken(page: Page): Promise<{ zone: DeveloperZonePage; token: string }> {
  const zone = new DeveloperZonePage(page);
  await zone.open();
  return { zone, token: await zone.create() };
}

/** The list of checks if the check with this number failed; the first is number 1. */
function failedAt(number: number): string[] {
  return CHECKS.map((label, index) => {
    const outcome = index + 1 < number ? 'Passed' : index + 1 > number ? 'Not reached' : 'Failed';
    return `${label}${outcome}`;
  });
}

const ALL_PASSED = CHECKS.map((label) => `${label}Passed`);

test('each example has the token, the organisation, an event and the address, and runs as printed', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const { zone, token } = await showNewToken(page);
  const { tabs, example, dialog } = zone.newToken;
  const colours = dialog.locator('.code-example pre');
  await expect(tabs).toHaveText(NAMES);
  await expect(dialog).toContainText(`event ${EXAMPLE_EVENT}`);
  const texts = new Set<string>();
  for (const { name, language } of LANGUAGES) {
    const tab = zone.newToken.tab(name);
    await tab.click();
    await expect(tab).toHaveAttribute('aria-selected', 'true');
    await expect(example).toHaveAccessibleName(`${name} example`);
    await expect(example).not.toBeEditable();
    const text = await example.inputValue();
    expect(text).toContain(token);
    // The colours lie over the same characters, and leave the token free.
    const coloured = (await colours.textContent()) ?? '';
    expect(coloured.replace(/\S/g, (_, place: number) => text[place] ?? '')).toBe(coloured);
    expect(coloured).toHaveLength(text.length);
    expect(await colours.locator('span').allTextContents()).not.toContainEqual(expect.stringContaining(' '.repeat(40)));
    expect(text).toContain(`${server.url}/api/v1/ext/${SUMMIT}/event/${EXAMPLE_EVENT}/ping`);
    expect(JSON.parse(await runExample(language, text)), name).toEqual(PONG);
    texts.add(text);
  }
  expect(texts.size).toBe(LANGUAGES.length);
});

test('the languages are one stop of the Tab key; arrow keys, Home and End select one', async ({
  page,
  signIn,
}) => {
  await signIn(MEMBER);
  const { zone, token } = await showNewToken(page);
  const { field, copy, tabs, example } = zone.newToken;
  const expectSelected = async (name: string) => {
    const selected = zone.newToken.tab(name);
    await expect(selected).toBeFocused();
    await expect(selected).toHaveAttribute('aria-selected', 'true');
    await expect(zone.newToken.dialog.getByRole('tab', { selected: true })).toHaveCount(1);
    await expect(tabs.and(page.locator('[tabindex="0"]'))).toHaveText([name]);
    await expect(example).toHaveAccessibleName(`${name} example`);
    await expect(zone.newToken.dialog.getByRole('tabpanel')).toHaveAccessibleName(name);
  };
  await expect(field).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(copy).toBeFocused();
  await page.keyboard.press('Tab');
  await expectSelected('cURL');
  for (const [key, name] of [
    ['ArrowRight', 'Python'],
    ['ArrowRight', 'JavaScript'],
    ['ArrowRight', 'cURL'],
    ['ArrowLeft', 'JavaScript'],
    ['Home', 'cURL'],
    ['End', 'JavaScript'],
    ['ArrowLeft', 'Python'],
  ] as const) {
    await page.keyboard.press(key);
    await expectSelected(name);
  }
  await page.keyboard.press('Tab');
  await expect(example).toBeFocused();
  await page.keyboard.press('Control+a');
  const selected = await example.evaluate((field: HTMLTextAreaElement) =>
    field.value.slice(field.selectionStart, field.selectionEnd),
  );
  expect(selected).toContain(token);
  await page.keyboard.press('Shift+Tab');
  await expectSelected('Python');
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('an example is copied as shown, and only that one says Copied; without a clipboard it is selected', async ({
    page,
    context,
    signIn,
  }) => {
    await signIn(MEMBER);
    const { zone } = await showNewToken(page);
    const { example, exampleStatus, status } = zone.newToken;
    for (const name of NAMES) {
      await zone.newToken.tab(name).click();
      await expect(exampleStatus).toHaveText('');
      await zone.newToken.copyExample(name).click();
      await expect(exampleStatus).toHaveText('Copied');
      expect(await clipboardText(page)).toBe(await example.inputValue());
    }
    await expect(status, 'the token itself was not copied').toHaveText('');

    const other = await context.newPage();
    await noClipboard(other);
    const { newToken } = (await showNewToken(other)).zone;
    await newToken.copyExample('cURL').click();
    await expect(newToken.exampleStatus).toContainText(/The example is selected: press Ctrl\+C/);
    await expect(newToken.example).toBeFocused();
    const selection = await newToken.example.evaluate((field: HTMLTextAreaElement) => [
      field.selectionStart,
      field.selectionEnd,
    ]);
    expect(selection).toEqual([0, (await newToken.example.inputValue()).length]);
  });
});

test('the token test shows each check: all passed, refused after another admin’s change, or no response', async ({
  page,
  context,
  signIn,
  server,
  pageErrors,
}) => {
  pageErrors.allow(CONNECTION_FAILED, failedToLoad(503), failedToLoad(401));
  await signIn(MEMBER);
  const { zone, token } = await showNewToken(page);
  const { field, testConnection, testResult, checksPassed, checks } = zone.newToken;

  await test.step('works', async () => {
    await expect(testConnection).toHaveText('Test connection');
    await expect(checks).toHaveCount(0);
    const held = await HeldRequests.of(page, 'test-token');
    await testConnection.dblclick();
    await held.untilOneArrived();
    await expect(testConnection).toHaveText('Testing…');
    await expect(testConnection).toHaveAttribute('aria-busy', 'true');
    await testConnection.click({ force: true });
    await expect(testResult).toHaveText('');
    await held.release();
    await expect(testResult).toHaveText('The connection works: 200 pong');
    await expect(checksPassed).toHaveText('9 of 9 checks passed');
    await expect(checks.last(), 'closed').toBeHidden();
    await expect(testConnection).toHaveText('Test connection');
    await expect(testConnection, 'the focus stays').toBeFocused();
    await checksPassed.click();
    await expect(checks).toHaveText(ALL_PASSED);
    await expect(checks.last()).toBeVisible();
    expect(held.count).toBe(1);
    await zone.newToken.tab('JavaScript').click();
    await expectAccessible(page);
  });

  await test.step('the connection breaks', async () => {
    const restore = await breakConnection(page, 'test-token');
    await testConnection.click();
    await expect(testResult).toContainText('The server could not be reached, so nothing was tested.');
    await expect(checks, 'earlier results are removed').toHaveCount(0);
    await expect(testConnection).toHaveText('Try again');
    await restore();
  });

  await test.step('the server has no database', async () => {
    const restore = await respondUnavailable(page, 'test-token');
    await testConnection.click();
    await expect(testResult).toContainText('cannot reach its database');
    await expect(checks).toHaveCount(0);
    await expect(testConnection).toHaveText('Try again');
    await expectAccessible(page);
    await restore();
  });

  await test.step('another admin deactivates, activates and deletes the token', async () => {
    await changeByCli(server, 'deactivate', previewOf(token));
    await testConnection.click();
    await expect(testResult).toContainText(
      'Refused: the token is inactive. Activate it in the Developer Zone, or use another one. 403 token_inactive',
    );
    await expect(checksPassed).toHaveText('3 of 9 checks passed');
    await expect(checks).toHaveText(failedAt(4));
    await expect(checks.last(), 'open').toBeVisible();
    await expectAccessible(page);
    await changeByCli(server, 'activate', previewOf(token));
    await testConnection.click();
    await expect(testResult).toHaveText('The connection works: 200 pong');
    await expect(checks).toHaveText(ALL_PASSED);
    await changeByCli(server, 'delete', previewOf(token));
    await testConnection.click();
    await expect(testResult).toContainText('403 token_invalid');
    await expect(checks).toHaveText(failedAt(3));
  });

  await test.step('the session has expired', async () => {
    const { sessionEnded } = new Frame(page);
    await context.clearCookies();
    await testConnection.click();
    await expect(sessionEnded).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(sessionEnded).toBeHidden();
    await expect(checks).toHaveCount(0);
  });
  await expect(field, 'the token stays shown').toHaveValue(token);
});

test('the first call of a new token appears by itself; the dialog’s own test is counted nowhere', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const { zone, token } = await showNewToken(page);
  const { dialog, firstCall, testConnection, testResult } = zone.newToken;
  const { row } = zone.row(previewOf(token));
  await testConnection.click();
  await expect(testResult).toHaveText('The connection works: 200 pong');
  await expect(firstCall).toHaveText('Waiting for the first call…');
  expect(await ping(server, token)).toEqual(ACCEPTED);
  await expect(firstCall).toHaveText(/^First call received: 200, (under )?\d+(\.\d)? m?s\.$/);
  await expect(row.locator('.last-use')).toHaveText(/^First call received: 200, .* m?s$/);
  await expect(row.locator('.week title')).toHaveText('Last 7 days: 1 call accepted, 0 refused');
  await zone.newToken.putAway();

  const other = await zone.create();
  await expect(firstCall).toHaveText('Waiting for the first call…');
  await ping(server, other, { organisation: 904 });
  await expect(firstCall).toContainText('First call received: refused.');
  await expect(dialog.locator('[data-done]')).toHaveCount(1);
});

test('whatever language is chosen, nothing in the dialog moves', async ({ page, signIn }) => {
  // The dialog moves while it opens.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await signIn(MEMBER);
  const { zone } = await showNewToken(page);
  const { done, testConnection } = zone.newToken;
  const places = () => Promise.all([done, testConnection].map((button) => button.boundingBox()));
  const before = await places();
  for (const name of NAMES) {
    await zone.newToken.tab(name).click();
    expect(await places(), name).toEqual(before);
  }
});

test('a test result that arrives after Done does not appear with the next token', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const { zone } = await showNewToken(page);
  const { testConnection, testResult, checks } = zone.newToken;
  const held = await HeldRequests.of(page, 'test-token');
  await testConnection.click();
  await held.untilOneArrived();
  await zone.newToken.putAway();
  await zone.create();
  const responded = page.waitForResponse('**/api/dashboard/test-token*');
  await held.release();
  await responded;
  await expect(testConnection).toHaveText('Test connection');
  await expect(testResult).toHaveText('');
  await expect(checks).toHaveCount(0);
});

test('without a configured event the examples list the events, and there is no test button', async ({
  page,
  signIn,
  server,
}) => {
  await server.cli('organisation', 'set-plan', '--id', `${FIRST_STEPS}`, '--plan', 'enterprise');
  await signIn(TRIAL);
  const { zone, token } = await showNewToken(page);
  const { dialog, example, testConnection } = zone.newToken;
  await expect(dialog).toContainText('None of the organisation’s events is configured yet.');
  await expect(testConnection).toHaveCount(0);
  for (const { name, language } of LANGUAGES) {
    await zone.newToken.tab(name).click();
    await expect(example).toHaveAccessibleName(`${name} example`);
    const text = await example.inputValue();
    expect(text).toContain(token);
    const response = JSON.parse(await runExample(language, text));
    expect(response.message, name).toBe('Records for events');
  }
  await expectAccessible(page);
});

test('on a small screen Done stays in sight, and everything else can be scrolled to', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const zone = new DeveloperZonePage(page);
  await zone.open();
  const { dialog, field, done, example, testConnection, testResult, checksPassed, checks } = zone.newToken;
  for (const [width, height] of [
    [1280, 800],
    [360, 640],
    [320, 568],
  ] as const) {
    await test.step(`${width} × ${height}`, async () => {
      await page.setViewportSize({ width, height });
      await zone.create();
      await expect(dialog.getByRole('heading', { level: 2 }), 'it opens at its top').toBeInViewport();
      await expect(field).toBeInViewport({ ratio: 1 });
      await expect(done).toBeInViewport({ ratio: 1 });
      await testConnection.click();
      await checksPassed.click();
      await expect(checks).toHaveCount(CHECKS.length);
      await expect(testResult, 'the result is scrolled to').toBeInViewport({ ratio: 1 });
      for (const element of [example, testConnection, checks.last(), field]) {
        await element.scrollIntoViewIfNeeded();
        await expect(element).toBeInViewport({ ratio: 0.9 });
        await expect(done).toBeInViewport({ ratio: 1 });
      }
      const box = (await dialog.boundingBox())!;
      expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);
      // The next dialog must not keep this scroll position.
      await testConnection.scrollIntoViewIfNeeded();
      await zone.newToken.putAway();
    });
  }
});

test.describe('with an API address whose host is not allowed', () => {
  test.use({ serverOptions: { args: ['--api-url', 'https://api.elsewhere.example'] } });

  test('the examples have the address, and the test says that its host is refused', async ({ page, signIn }) => {
    await signIn(MEMBER);
    const { zone } = await showNewToken(page);
    const { example, testConnection, testResult, checks } = zone.newToken;
    await expect(example).toHaveValue(/https:\/\/api\.elsewhere\.example\/api\/v1\/ext\/903\//);
    await testConnection.click();
    await expect(testResult).toContainText('403 host_not_allowed');
    await expect(checks).toHaveText(failedAt(2));
  });
});
