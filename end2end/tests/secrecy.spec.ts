// A token's secret may be only in one response, and in the field that shows it.

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER, PASSWORD, SESSION_COOKIE } from '../support/demo.ts';
import { ping, PONG } from '../support/external-api.ts';
import { expect, openPage, test, waitForHydration } from '../support/fixtures.ts';
import {
  everythingOnPage,
  keepWasmMemory,
  ResponseRecorder,
  secretPart,
  timesInWasmMemory,
} from '../support/secret.ts';
import { changeByCli } from '../support/tokens.ts';

test.use({ serverOptions: { log: 'trace' }, permissions: ['clipboard-write'] });

test('a token that was shown, copied and tested leaves no trace in the page, its memory or the log', async ({
  page,
  context,
  signIn,
  server,
}) => {
  await keepWasmMemory(page);
  const responses = new ResponseRecorder(context);
  const zone = new DeveloperZonePage(page);
  const { newToken } = zone;
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  const secret = secretPart(token);
  expect(await page.content(), 'in the field, not in the markup').not.toContain(secret);
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href]),
  );
  expect(stored).not.toContain(secret);
  // First check that the searches find the secret while it is shown. Otherwise finding nothing later would prove
  // nothing.
  expect(await everythingOnPage(page)).toContain(secret);
  expect(await timesInWasmMemory(page, secret)).toBeGreaterThan(0);

  await newToken.copy.click();
  await expect(newToken.status).toHaveText('Copied');
  for (const name of ['cURL', 'Python', 'JavaScript']) {
    await newToken.tab(name).click();
    await newToken.copyExample(name).click();
    await expect(newToken.exampleStatus).toHaveText('Copied');
  }
  await newToken.testConnection.click();
  await expect(newToken.testResult).toHaveText('The connection works: 200 pong');
  await changeByCli(server, 'deactivate', previewOf(token));
  await newToken.testConnection.click();
  await expect(newToken.testResult).toContainText('403 token_inactive');

  const expectNoTrace = async (secret: string) => {
    await expect(newToken.dialog).toBeHidden();
    await expect(page.locator('.code-example')).toHaveCount(0);
    expect(await everythingOnPage(page)).not.toContain(secret);
    await expect.poll(() => timesInWasmMemory(page, secret)).toBe(0);
    expect(await timesInWasmMemory(page, secret.slice(0, 16))).toBe(0);
    expect(await timesInWasmMemory(page, secret.slice(-16))).toBe(0);
  };
  await newToken.done.click();
  await expect(zone.row(previewOf(token)).row).toBeVisible();
  await test.step('after Done', () => expectNoTrace(secret));

  expect((await responses.search(secret)).with).toEqual(['/api/dashboard/create-token']);
  const refusals = (await responses.search('token_inactive')).with;
  expect(refusals, 'the search covers the token test').toContain('/api/dashboard/test-token');
  expect(server.log).toContain('TRACE');
  expect(server.log).not.toContain(secret);
  expect(server.log).not.toContain(secret.slice(0, 16));

  const other = secretPart(await zone.create());
  await page.keyboard.press('Escape');
  await newToken.closeWithoutCopying.click();
  await test.step('closed without Done', () => expectNoTrace(other));
});

test('the secret is in one response, no line of the log and no byte of the database', async ({
  page,
  context,
  signIn,
  server,
}) => {
  const responses = new ResponseRecorder(context);
  const frame = new Frame(page);
  const zone = new DeveloperZonePage(page);
  await signIn(MEMBER);
  // The browser drops the response to a poll that is under way when the page navigates. So only the last page polls.
  const poll = /watch-tokens/;
  await page.route(poll, () => undefined);
  await openPage(page, '/events');
  await responses.read();
  await frame.developerZone.click();
  const token = await zone.createAndClose();
  const secret = secretPart(token);
  const row = zone.row(previewOf(token));
  expect(await ping(server, token)).toEqual(PONG);
  await row.switch.click();
  await expect(row.status).toHaveText('Inactive');
  expect((await ping(server, token)).body).not.toContain(secret);
  await responses.read();
  // Over the table, the pointer would load the code of the dialogs.
  await page.mouse.move(0, 0);
  await page.reload();
  await waitForHydration(page);
  await expect(row.status).toHaveText('Inactive');
  await responses.read();
  await frame.events.click();
  await expect(page).toHaveURL('/events');
  await waitForHydration(page);
  await responses.read();
  await page.unroute(poll);
  const polled = page.waitForResponse(poll);
  await frame.developerZone.click();
  await expect(row.row).toBeVisible();
  await polled;
  // A response must not repeat a mistyped token either.
  const mistyped = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`;
  expect((await ping(server, mistyped)).body).not.toContain(secret.slice(0, -1));

  const found = await responses.search(secret);
  expect(found.all).toBeGreaterThan(5);
  expect(found.with).toEqual(['/api/dashboard/create-token']);
  expect((await responses.search(previewOf(token).slice(0, 5))).with.length).toBeGreaterThan(1);

  const files = await server.databaseFiles();
  expect(files.size).toBeGreaterThan(0);
  const inFiles = (text: string) =>
    [...files].filter(([, bytes]) => bytes.includes(text)).map(([name]) => name);
  expect(inFiles(token.slice(0, 5)), 'the search finds the preview').not.toEqual([]);
  expect(inFiles(secret)).toEqual([]);
  expect(inFiles(secret.slice(0, 16))).toEqual([]);
  expect(inFiles(PASSWORD)).toEqual([]);

  expect(server.log).toContain('TRACE');
  expect(server.log).not.toContain(secret);
  expect(server.log).not.toContain(secret.slice(0, 16));
  expect(server.log).not.toContain(PASSWORD);
  const session = (await context.cookies()).find(({ name }) => name === SESSION_COOKIE);
  expect(server.log, 'the session cookie opens the dashboard').not.toContain(session!.value);
  expect(inFiles(session!.value), 'the database has only its hash').toEqual([]);
});
