// Tests of the test tools: each tool must find the errors that it was made for.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { violations } from '../support/accessibility.ts';
import { misfits, moving, scrollingSideways } from '../support/layout.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { ResponseRecorder } from '../support/secret.ts';
import { TestServer } from '../support/server.ts';

test('pageErrors has console messages, uncaught errors, CSP violations and requests to other origins', async ({
  page,
  pageErrors,
}) => {
  await openPage(page, '/sign-in');
  await page.evaluate(async () => {
    console.warn('a warning');
    setTimeout(() => {
      throw new Error('a page error');
    });
    const script = document.createElement('script');
    script.textContent = 'document.title = "run"';
    document.head.append(script);
    await fetch('https://evil.example/').catch(() => undefined);
  });
  // Before the page is left, because the browser then drops its pending messages.
  await expect.poll(() => pageErrors.unexpected).toEqual(
    expect.arrayContaining([
      'console warning: a warning',
      expect.stringMatching(/^page error: Error: a page error/),
      'console error: CSP violation: script-src-elem by inline',
      'console error: CSP violation: connect-src by https://evil.example/',
    ]),
  );
  await page.goto('https://evil.example/').catch(() => undefined);
  await expect.poll(() => pageErrors.unexpected).toContain(
    'request outside the origin: https://evil.example/',
  );
  pageErrors.allow(/./);
});

test('axe finds missing names, faint text and small targets', async ({ page, signIn }) => {
  await signIn(MEMBER);
  await openPage(page, '/events');
  expect(await violations(page)).toEqual([]);
  expect(await scrollingSideways(page)).toEqual([]);
  await page.getByRole('main').evaluate((main) => {
    main.insertAdjacentHTML(
      'beforeend',
      '<div><button id="bare"></button><button class="small">a</button><button class="small">b</button></div><p id="faint">Hard to read</p>',
    );
    main.querySelector<HTMLElement>('#faint')!.style.color = '#ccc';
    for (const button of main.querySelectorAll<HTMLElement>('.small')) {
      button.style.cssText = 'padding: 0; width: 10px; height: 10px; min-height: 0';
    }
    main.style.width = '1500px';
    main.style.maxWidth = 'none';
  });
  const found = (await violations(page)).map((violation) => violation.split(':')[0]);
  expect(found).toEqual(expect.arrayContaining(['button-name', 'color-contrast', 'target-size']));
  expect(await scrollingSideways(page)).not.toEqual([]);
});

test('the layout scan finds text that is cut off, elements outside the window, and motion', async ({
  page,
  signIn,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await signIn(MEMBER);
  await openPage(page, '/events');
  expect(await misfits(page)).toEqual([]);
  expect(await moving(page)).toEqual([]);
  await page.getByRole('main').evaluate((main) => {
    main.insertAdjacentHTML(
      'beforeend',
      '<p id="low">Two<br>lines</p><button id="narrow">Unbreakable</button><p id="beyond">Out</p>',
    );
    const style = (id: string, css: string) => {
      main.querySelector<HTMLElement>(`#${id}`)!.style.cssText = css;
    };
    style('low', 'height: 1em; overflow: hidden');
    style('narrow', 'width: 3em');
    style('beyond', 'position: fixed; left: -1em; transition: color 1s');
  });
  const found = (await misfits(page)).join('\n');
  expect(found).toContain('“Twolines”');
  expect(found).toContain('“Unbreakable”');
  expect(found).toContain('“Out”');
  expect(await moving(page)).toEqual(['P.']);
});

test('a response that never ends fails a search of the responses, and nothing else', async ({
  openContext,
  pageErrors,
}) => {
  // The server begins every response, but completes only those to `/whole`.
  const endless = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write('<p>the beginning');
    if (request.url === '/whole') {
      response.end();
    }
  });
  await once(endless.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
  pageErrors.allow(/^request outside the origin: http:\/\/127\.0\.0\.1:/);

  const context = await openContext();
  const page = await context.newPage();
  const responses = new ResponseRecorder(context);
  await page.goto(`${origin}/whole`);
  expect(await responses.search('the beginning')).toEqual({ all: 1, with: ['/whole'] });
  const begun = page.waitForResponse('**/endless');
  await page.evaluate(() => void fetch('/endless'));
  await begun;
  await context.close();
  // An unhandled rejection would fail the test in this turn of the event loop.
  await new Promise(setImmediate);
  await expect(responses.search('the beginning')).rejects.toThrow('has been closed');
  endless.closeAllConnections();
  endless.close();
});

test('a server that stops with an unfinished request is noticed', async () => {
  const server = await TestServer.start(undefined, { args: ['--shutdown-grace', '100ms'] });
  const { hostname, port, host } = new URL(server.url);
  const caller = connect(Number(port), hostname);
  const head = `POST /api/dashboard/sign-in HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded`;
  caller.write(`${head}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`);
  // The server now waits for the form, which never comes.
  expect(String((await once(caller, 'data'))[0])).toContain('100 Continue');
  expect(server.abandoned).toEqual([]);
  expect(await server.stop()).toBe(0);
  expect(server.abandoned).toEqual([expect.stringContaining('stopped with requests unfinished')]);
  caller.destroy();
  await server.removeDatabase();
});
