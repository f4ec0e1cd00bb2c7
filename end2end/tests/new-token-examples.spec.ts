import type { Page } from '@playwright/test';

import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { clipboardText } from '../support/clipboard.ts';
import { EVENT, FIRST_STEPS, MEMBER, SUMMIT, TRIAL } from '../support/demo.ts';
import { runExample } from '../support/examples.ts';
import { expect, test } from '../support/fixtures.ts';
import {
  answerUnavailable,
  breakConnection,
  CONNECTION_FAILED,
  failedToLoad,
  HeldRequests,
} from '../support/requests.ts';
import {
  AnswerRecorder,
  everythingOnPage,
  keepWasmMemory,
  secretPart,
  timesInWasmMemory,
} from '../support/secret.ts';
import { createToken, elsewhere } from '../support/tokens.ts';

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

/** The guard's checks that a ping meets. */
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
async function newToken(page: Page): Promise<{ zone: DeveloperZone; token: string }> {
  const zone = new DeveloperZone(page);
  await zone.open();
  return { zone, token: await zone.create() };
}

/** What the list of checks must say when the check with this number, from 1, has failed. */
function refusedAt(number: number): string[] {
  return CHECKS.map((label, index) => {
    const outcome = index + 1 < number ? 'Passed' : index + 1 > number ? 'Not reached' : 'Failed';
    return `${label}${outcome}`;
  });
}

test('each example holds token, organisation, event and address, and runs as it is printed', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  const { tabs, example, dialog } = zone.newToken;
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
    expect(text).toContain(`${server.url}/api/v1/ext/${SUMMIT}/event/${EXAMPLE_EVENT}/ping`);
    expect(JSON.parse(await runExample(language, text)), name).toEqual(PONG);
    texts.add(text);
  }
  expect(texts.size).toBe(LANGUAGES.length);
});

test('the tabs are one stop of the Tab key; arrows go round, Home and End lead to the ends', async ({
  page,
  signIn,
}) => {
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  const { field, copy, tabs, example } = zone.newToken;
  const expectChosen = async (name: string) => {
    const chosen = zone.newToken.tab(name);
    await expect(chosen).toBeFocused();
    await expect(chosen).toHaveAttribute('aria-selected', 'true');
    await expect(zone.newToken.dialog.getByRole('tab', { selected: true })).toHaveCount(1);
    await expect(tabs.and(page.locator('[tabindex="0"]'))).toHaveText([name]);
    await expect(example).toHaveAccessibleName(`${name} example`);
    await expect(zone.newToken.dialog.getByRole('tabpanel')).toHaveAccessibleName(name);
  };
  await expect(field).toBeFocused();
  await page.keyboard.press('Tab');
  await expect(copy).toBeFocused();
  await page.keyboard.press('Tab');
  await expectChosen('cURL');
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
    await expectChosen(name);
  }
  await page.keyboard.press('Tab');
  await expect(example).toBeFocused();
  await page.keyboard.press('Control+a');
  const selected = await example.evaluate((field: HTMLTextAreaElement) =>
    field.value.slice(field.selectionStart, field.selectionEnd),
  );
  expect(selected).toContain(token);
  await page.keyboard.press('Shift+Tab');
  await expectChosen('Python');
});

test.describe('with a clipboard', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('an example is copied as it is shown, and Copied is said of that one alone', async ({
    page,
    signIn,
  }) => {
    await signIn(MEMBER);
    const { zone } = await newToken(page);
    const { example, exampleStatus, status } = zone.newToken;
    for (const name of NAMES) {
      await zone.newToken.tab(name).click();
      await expect(exampleStatus).toHaveText('');
      await zone.newToken.copyExample(name).click();
      await expect(exampleStatus).toHaveText('Copied');
      expect(await clipboardText(page)).toBe(await example.inputValue());
    }
    await expect(status, 'of the token nothing was copied').toHaveText('');
  });
});

test('where the browser has no clipboard, the example is selected and it is said how to copy it', async ({
  page,
  signIn,
}) => {
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined });
  });
  await signIn(MEMBER);
  const { zone } = await newToken(page);
  const { example, exampleStatus } = zone.newToken;
  await zone.newToken.copyExample('cURL').click();
  await expect(exampleStatus).toContainText(/The example is selected: press Ctrl\+C/);
  await expect(example).toBeFocused();
  const [start, end] = await example.evaluate((field: HTMLTextAreaElement) => [
    field.selectionStart,
    field.selectionEnd,
  ]);
  expect([start, end]).toEqual([0, (await example.inputValue()).length]);
});

test('a connection that works has passed every check', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const { zone } = await newToken(page);
  const { testConnection, testResult, checks } = zone.newToken;
  await expect(testConnection).toHaveText('Test connection');
  await expect(checks).toHaveCount(0);
  const held = await HeldRequests.of(page, 'test-connection');
  await testConnection.dblclick();
  await held.untilOneArrived();
  await expect(testConnection).toHaveText('Testing…');
  await expect(testConnection).toHaveAttribute('aria-busy', 'true');
  await testConnection.click({ force: true });
  await expect(testResult).toHaveText('');
  await held.release();
  await expect(testResult).toHaveText('The connection works: 200 pong');
  await expect(checks).toHaveText(refusedAt(10));
  await expect(checks.last()).toBeInViewport();
  await expect(testConnection).toHaveText('Test connection');
  await expect(testConnection, 'the focus stays').toBeFocused();
  expect(held.count).toBe(1);
});

test('a token that somebody else has paused meanwhile is refused at check 4, and taken again afterwards', async ({
  page,
  signIn,
  server,
}) => {
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  const { testConnection, testResult, checks } = zone.newToken;
  await elsewhere(server, 'deactivate', previewOf(token));
  await testConnection.click();
  await expect(testResult).toContainText('Refused at “The token is active”. The API key is inactive.');
  await expect(testResult).toContainText('403 token_inactive');
  await expect(checks).toHaveText(refusedAt(4));
  await elsewhere(server, 'activate', previewOf(token));
  await testConnection.click();
  await expect(testResult).toHaveText('The connection works: 200 pong');
  await expect(checks).toHaveText(refusedAt(10));
  await elsewhere(server, 'delete', previewOf(token));
  await testConnection.click();
  await expect(testResult).toContainText('403 token_invalid');
  await expect(checks).toHaveText(refusedAt(3));
});

test('a test that got no answer says so, claims no check, and can be tried again', async ({
  page,
  signIn,
  collector,
}) => {
  collector.allow(CONNECTION_FAILED, failedToLoad(503));
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  const { field, testConnection, testResult, checks } = zone.newToken;
  await testConnection.click();
  await expect(checks).toHaveCount(CHECKS.length);
  const mendConnection = await breakConnection(page, 'test-connection');
  await testConnection.click();
  await expect(testResult).toContainText('The server could not be reached, so nothing was tested.');
  await expect(checks, 'what passed before says nothing now').toHaveCount(0);
  await expect(testConnection).toHaveText('Try again');
  await mendConnection();
  const mendDatabase = await answerUnavailable(page, 'test-connection');
  await testConnection.click();
  await expect(testResult).toContainText('cannot reach its database');
  await expect(checks).toHaveCount(0);
  await mendDatabase();
  await expect(testConnection).toHaveText('Try again');
  await testConnection.click();
  await expect(testResult).toHaveText('The connection works: 200 pong');
  await expect(field).toHaveValue(token);
});

test('with the server stopped the test says that it cannot be reached, and the token stays shown', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  collector.allow(CONNECTION_FAILED);
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  const { field, testConnection, testResult, checks } = zone.newToken;
  await server.stop();
  await testConnection.click();
  await expect(testResult).toContainText('The server could not be reached, so nothing was tested.');
  await expect(testConnection).toHaveText('Try again');
  await expect(checks).toHaveCount(0);
  await expect(field).toHaveValue(token);
});

test('a session that has ended is told of, and the token stays shown', async ({
  page,
  context,
  signIn,
  collector,
}) => {
  collector.allow(failedToLoad(401));
  const { sessionEnded } = new Frame(page);
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  await context.clearCookies();
  await zone.newToken.testConnection.click();
  await expect(sessionEnded).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(sessionEnded).toBeHidden();
  await expect(zone.newToken.field).toHaveValue(token);
  await expect(zone.newToken.checks).toHaveCount(0);
});

test('an answer that comes after Done is not shown of the next token', async ({ page, signIn }) => {
  await signIn(MEMBER);
  const { zone } = await newToken(page);
  const { testConnection, testResult, checks } = zone.newToken;
  const held = await HeldRequests.of(page, 'test-connection');
  await testConnection.click();
  await held.untilOneArrived();
  await zone.newToken.done.click();
  await zone.create();
  const answered = page.waitForResponse('**/api/dashboard/test-connection');
  await held.release();
  await answered;
  await expect(testConnection).toHaveText('Test connection');
  await expect(testResult).toHaveText('');
  await expect(checks).toHaveCount(0);
});

test('without a configured event the examples list the events, and there is nothing to test', async ({
  page,
  signIn,
  server,
}) => {
  await server.cli('organisation', 'set-plan', '--id', `${FIRST_STEPS}`, '--plan', 'enterprise');
  await signIn(TRIAL);
  const { zone, token } = await newToken(page);
  const { dialog, example, testConnection } = zone.newToken;
  await expect(dialog).toContainText('None of the organisation’s events is configured yet.');
  await expect(testConnection).toHaveCount(0);
  for (const { name, language } of LANGUAGES) {
    await zone.newToken.tab(name).click();
    await expect(example).toHaveAccessibleName(`${name} example`);
    const text = await example.inputValue();
    expect(text).toContain(token);
    const answer = JSON.parse(await runExample(language, text));
    expect(answer.message, name).toBe('Records for events');
  }
  await expectAccessible(page);
});

test('in every tab, and with every result, nobody is shut out', async ({
  page,
  signIn,
  server,
  collector,
}) => {
  test.slow();
  await signIn(MEMBER);
  const { zone, token } = await newToken(page);
  const { testConnection, checks } = zone.newToken;
  for (const name of NAMES) {
    await zone.newToken.tab(name).click();
    await expectAccessible(page);
  }
  await testConnection.click();
  await expect(checks).toHaveText(refusedAt(10));
  await expectAccessible(page);
  await elsewhere(server, 'deactivate', previewOf(token));
  await testConnection.click();
  await expect(checks).toHaveText(refusedAt(4));
  await expectAccessible(page);
  collector.allow(failedToLoad(503));
  await answerUnavailable(page, 'test-connection');
  await testConnection.click();
  await expect(testConnection).toHaveText('Try again');
  await expectAccessible(page);
});

for (const [width, height] of [
  [1280, 800],
  [360, 640],
  [320, 568],
] as const) {
  test(`at ${width} by ${height} the way out is always in sight, and all else can be scrolled to`, async ({
    page,
    signIn,
  }) => {
    await page.setViewportSize({ width, height });
    await signIn(MEMBER);
    const { zone } = await newToken(page);
    const { dialog, field, done, example, testConnection, testResult, checks } = zone.newToken;
    await expect(field).toBeInViewport({ ratio: 1 });
    await expect(done).toBeInViewport({ ratio: 1 });
    await testConnection.click();
    await expect(checks).toHaveCount(CHECKS.length);
    await expect(testResult, 'what came of it is scrolled to').toBeInViewport({ ratio: 1 });
    for (const element of [example, testConnection, checks.last(), field]) {
      await element.scrollIntoViewIfNeeded();
      await expect(element).toBeInViewport({ ratio: 0.9 });
      await expect(done).toBeInViewport({ ratio: 1 });
    }
    const box = (await dialog.boundingBox())!;
    expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);

    await testConnection.scrollIntoViewIfNeeded();
    await done.click();
    await zone.create();
    await expect(dialog.getByRole('heading', { level: 2 }), 'it opens at its beginning').toBeInViewport();
    await expect(field).toBeInViewport({ ratio: 1 });
  });
}

test.describe('an API address whose host is not on the allowlist', () => {
  test.use({ serverOptions: { args: ['--api-url', 'https://api.elsewhere.example'] } });

  test('is in the examples, and the test says honestly that it is refused', async ({ page, signIn }) => {
    await signIn(MEMBER);
    const { zone } = await newToken(page);
    const { example, testConnection, testResult, checks } = zone.newToken;
    await expect(example).toHaveValue(/https:\/\/api\.elsewhere\.example\/api\/v1\/ext\/903\//);
    await testConnection.click();
    await expect(testResult).toContainText('403 host_not_allowed');
    await expect(checks).toHaveText(refusedAt(2));
  });
});

test.describe('secrecy', () => {
  test.use({
    serverOptions: { log: 'trace' },
    permissions: ['clipboard-write'],
  });

  test('what was shown, copied and tested leaves no trace of the token after Done, in the browser or the log', async ({
    page,
    context,
    signIn,
    server,
  }) => {
    await keepWasmMemory(page);
    const answers = new AnswerRecorder(context);
    await signIn(MEMBER);
    const { zone, token } = await newToken(page);
    const { testConnection, testResult, exampleStatus } = zone.newToken;
    const secret = secretPart(token);
    for (const name of NAMES) {
      await zone.newToken.tab(name).click();
      await zone.newToken.copyExample(name).click();
      await expect(exampleStatus).toHaveText('Copied');
    }
    await testConnection.click();
    await expect(testResult).toHaveText('The connection works: 200 pong');
    await elsewhere(server, 'deactivate', previewOf(token));
    await testConnection.click();
    await expect(testResult).toContainText('403 token_inactive');
    expect(await everythingOnPage(page)).toContain(secret);
    expect(await page.content(), 'shown, but not in the markup').not.toContain(secret);
    expect(await timesInWasmMemory(page, secret)).toBeGreaterThan(0);

    await zone.newToken.done.click();
    await expect(zone.newToken.dialog).toBeHidden();
    await expect(page.locator('textarea')).toHaveCount(0);
    expect(await everythingOnPage(page)).not.toContain(secret);
    await expect.poll(() => timesInWasmMemory(page, secret)).toBe(0);
    expect(await timesInWasmMemory(page, secret.slice(0, 16))).toBe(0);
    expect(await timesInWasmMemory(page, secret.slice(-16))).toBe(0);

    expect((await answers.search(secret)).with).toEqual(['/api/dashboard/create-token']);
    const pings = (await answers.search('token_inactive')).with;
    expect(pings, 'the answers of the test were searched too').toContain('/api/dashboard/test-connection');
    expect(server.log).toContain('TRACE');
    expect(server.log).not.toContain(secret);
    expect(server.log).not.toContain(secret.slice(0, 16));
  });
});

test.describe('the request behind the button', () => {
  test('is for members on the plan alone, whatever token they have', async ({ page, signIn, server }) => {
    const token = await createToken(server);
    const call = (organisation_id: number, secret: string) =>
      page.request.post('/api/dashboard/test-connection', {
        data: { organisation_id, event_id: EVENT, secret },
      });
    await signIn(TRIAL);
    const stranger = await call(SUMMIT, token);
    expect([stranger.status(), await stranger.text()]).toEqual([403, '"NotAMember"']);
    const locked = await call(FIRST_STEPS, token);
    expect(locked.status()).toBe(403);
    expect(await locked.text()).toContain('PlanRequired');
    await signIn(MEMBER);
    expect(await (await call(SUMMIT, token)).json()).toEqual({ status: 200, code: null, message: 'pong' });
  });

  test('leaves what is no token to the guard', async ({ page, signIn }) => {
    await signIn(MEMBER);
    for (const [secret, code] of [
      ['', 'token_missing'],
      ['x', 'token_invalid'],
      ['é', 'token_invalid'],
      ['two\r\nX-API-Key: lines', 'token_invalid'],
      ['0'.repeat(10_000), 'token_invalid'],
    ] as const) {
      const answer = await page.request.post('/api/dashboard/test-connection', {
        data: { organisation_id: SUMMIT, event_id: EVENT, secret },
      });
      expect((await answer.json()).code, JSON.stringify(secret.slice(0, 20))).toBe(code);
    }
  });
});
