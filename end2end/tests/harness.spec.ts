// The tools of these tests, tried on what they are there to find.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { COLOURS, violations } from '../support/accessibility.ts';
import { misfits, moving, scrollingSideways } from '../support/layout.ts';
import { MEMBER } from '../support/demo.ts';
import { expect, openPage, test } from '../support/fixtures.ts';
import { AnswerRecorder } from '../support/secret.ts';
import { Server } from '../support/server.ts';

test('the collector sees console messages, errors, CSP violations and foreign requests', async ({
  page,
  collector,
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
  // Before leaving the page: what it still has to say, it says to nobody afterwards.
  await expect.poll(() => collector.unexpected).toEqual(
    expect.arrayContaining([
      'console warning: a warning',
      expect.stringMatching(/^page error: Error: a page error/),
      'console error: CSP violation: script-src-elem by inline',
      'console error: CSP violation: connect-src by https://evil.example/',
    ]),
  );
  await page.goto('https://evil.example/').catch(() => undefined);
  await expect.poll(() => collector.unexpected).toContain(
    'request outside the origin: https://evil.example/',
  );
  collector.allow(/./);
});

test('the scan finds missing names, faint text and small targets', async ({ page, signIn }) => {
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
  expect((await violations(page, COLOURS)).join()).toContain('color-contrast');
  expect(await scrollingSideways(page)).not.toEqual([]);
});

test('the scan finds words that are cut off, what sticks out of the window, and what moves', async ({
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

test('an answer that was never read to its end fails a search, and nothing but a search', async ({
  openContext,
  collector,
}) => {
  // It begins every answer, and ends those to `/whole`.
  const endless = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write('<p>the beginning');
    if (request.url === '/whole') {
      response.end();
    }
  });
  await once(endless.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
  collector.allow(/^request outside the origin: http:\/\/127\.0\.0\.1:/);

  const context = await openContext();
  const page = await context.newPage();
  const answers = new AnswerRecorder(context);
  await page.goto(`${origin}/whole`);
  expect(await answers.search('the beginning')).toEqual({ all: 1, with: ['/whole'] });
  const begun = page.waitForResponse('**/endless');
  await page.evaluate(() => void fetch('/endless'));
  await begun;
  await context.close();
  // A turn of the loop, in which a rejection that nobody handles fails the test.
  await new Promise(setImmediate);
  await expect(answers.search('the beginning')).rejects.toThrow('has been closed');
  endless.closeAllConnections();
  endless.close();
});

test('a server that stops with a request unfinished is told from one that has finished all', async () => {
  const server = await Server.start(undefined, { args: ['--shutdown-grace', '100ms'] });
  const { hostname, port, host } = new URL(server.url);
  const caller = connect(Number(port), hostname);
  const head = `POST /api/dashboard/sign-in HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-www-form-urlencoded`;
  caller.write(`${head}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`);
  // With this the server says that it waits for the form, which never comes.
  expect(String((await once(caller, 'data'))[0])).toContain('100 Continue');
  expect(server.abandoned).toEqual([]);
  expect(await server.stop()).toBe(0);
  expect(server.abandoned).toEqual([expect.stringContaining('stopped with requests unfinished')]);
  caller.destroy();
  await server.removeDatabase();
});
