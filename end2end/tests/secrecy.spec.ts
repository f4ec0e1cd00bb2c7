import { DeveloperZone, previewOf } from '../pages/developer-zone.ts';
import { Frame } from '../pages/frame.ts';
import { MEMBER, PASSWORD } from '../support/demo.ts';
import { ping, PONG } from '../support/external-api.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import {
  AnswerRecorder,
  everythingOnPage,
  keepWasmMemory,
  secretPart,
  timesInWasmMemory,
} from '../support/secret.ts';

test('after Done the token is nowhere on the page and not in its memory', async ({ page, signIn }) => {
  await keepWasmMemory(page);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const token = await zone.create();
  const secret = secretPart(token);
  // The searches find what is there: only then does finding nothing mean something.
  expect(await everythingOnPage(page)).toContain(secret);
  expect(await timesInWasmMemory(page, secret)).toBeGreaterThan(0);
  await zone.newToken.copy.click();
  await expect(zone.newToken.status).not.toHaveText('');

  await zone.newToken.done.click();
  await expect(zone.row(previewOf(token)).row).toBeVisible();
  await expect(zone.newToken.dialog).toBeHidden();
  expect(await everythingOnPage(page)).not.toContain(secret);
  await expect.poll(() => timesInWasmMemory(page, secret)).toBe(0);
  // Not even a good part of it.
  expect(await timesInWasmMemory(page, secret.slice(0, 16))).toBe(0);
  expect(await timesInWasmMemory(page, secret.slice(-16))).toBe(0);
});

test('closing it without Done leaves as little', async ({ page, signIn }) => {
  await keepWasmMemory(page);
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const secret = secretPart(await zone.create());
  await page.keyboard.press('Escape');
  await zone.newToken.closeAnyway.click();
  await expect(zone.newToken.dialog).toBeHidden();
  expect(await everythingOnPage(page)).not.toContain(secret);
  await expect.poll(() => timesInWasmMemory(page, secret)).toBe(0);
});

test('while it is shown the token is in the field alone: not in the markup, not in what the page stores', async ({
  page,
  signIn,
}) => {
  const zone = new DeveloperZone(page);
  await signIn(MEMBER);
  await zone.open();
  const secret = secretPart(await zone.create());
  expect(await page.content()).not.toContain(secret);
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, history.state, location.href]),
  );
  expect(stored).not.toContain(secret);
});

test.describe('at the most talkative', () => {
  test.use({ serverOptions: { log: 'trace' } });

  test('the token is in one answer of the server, in no line of its log and in no byte of its database', async ({
    page,
    context,
    signIn,
    server,
  }) => {
    const answers = new AnswerRecorder(context);
    const frame = new Frame(page);
    const zone = new DeveloperZone(page);
    await signIn(MEMBER);
    await openPage(page, '/events');
    await frame.developerZone.click();
    const token = await zone.createAndClose();
    const secret = secretPart(token);
    const row = zone.row(previewOf(token));
    expect(await ping(server, token)).toEqual(PONG);
    await row.switch.click();
    await expect(row.status).toHaveText('Inactive');
    expect((await ping(server, token)).body).not.toContain(secret);
    await page.reload();
    await expect(row.status).toHaveText('Inactive');
    await frame.events.click();
    await frame.developerZone.click();
    await expect(row.row).toBeVisible();
    // Mistyped, it must not be echoed either.
    const mistyped = `${token.slice(0, -1)}${token.endsWith('a') ? 'b' : 'a'}`;
    expect((await ping(server, mistyped)).body).not.toContain(secret.slice(0, -1));

    const found = await answers.search(secret);
    expect(found.all).toBeGreaterThan(5);
    expect(found.with).toEqual(['/api/dashboard/create-token']);
    expect((await answers.search(previewOf(token).slice(0, 5))).with.length).toBeGreaterThan(1);

    const files = await server.databaseFiles();
    expect(files.size).toBeGreaterThan(0);
    const inFiles = (text: string) =>
      [...files].filter(([, bytes]) => bytes.includes(text)).map(([name]) => name);
    expect(inFiles(token.slice(0, 5)), 'the preview is found, so the secret would be').not.toEqual([]);
    expect(inFiles(secret)).toEqual([]);
    expect(inFiles(secret.slice(0, 16))).toEqual([]);
    expect(inFiles(PASSWORD)).toEqual([]);

    expect(server.log).toContain('TRACE');
    expect(server.log).not.toContain(secret);
    expect(server.log).not.toContain(secret.slice(0, 16));
    expect(server.log).not.toContain(PASSWORD);
    const session = (await context.cookies()).find(({ name }) => name === 'session');
    expect(server.log, 'a session’s cookie opens the dashboard').not.toContain(session!.value);
    expect(inFiles(session!.value), 'the database keeps its hash').toEqual([]);
  });
});
