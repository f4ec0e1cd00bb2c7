/**
 * How soon pages appear and react on a phone with a slow connection: `make lighthouse`.
 *
 * The browser's own throttling (Fast 3G of its developer tools, a processor four times slower) delays the real transfer.
 * Lighthouse calculates its delays from a fast one.
 */

import type { Page } from '@playwright/test';

import { MEMBER } from '../support/demo.ts';
import { expect, signIn, test } from '../support/fixtures.ts';
import { createTokens } from '../support/tokens.ts';

const FAST_3G = {
  offline: false,
  latency: 562.5,
  downloadThroughput: 1_440_000 / 8,
  uploadThroughput: 675_000 / 8,
};
const SLOWER = 4;
const RUNS = Number(process.env['PHONE_RUNS'] ?? 5);
const PAGES = ['/sign-in', '/', '/events', '/developer-zone'];

/** Milliseconds since the visit began, the sum of all layout shifts, and bytes on the network. */
interface Visit {
  painted: number;
  alive: number;
  shift: number;
  bytes: number;
}

test('a first visit on a phone', async ({ openContext, server }) => {
  test.setTimeout(600_000);
  await createTokens(server, 3);
  const rows = ['| page | first paint | buttons alive | layout shift | loaded |', '|---|---|---|---|---|'];
  for (const path of PAGES) {
    const visits: Visit[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      // A browser context of its own, with an empty cache.
      const context = await openContext({ viewport: { width: 390, height: 844 } });
      if (path !== '/sign-in') {
        await signIn(context.request, MEMBER);
      }
      visits.push(await visit(await context.newPage(), path));
      await context.close();
    }
    const median = (value: (visit: Visit) => number) => visits.map(value).sort((a, b) => a - b)[RUNS >> 1]!;
    const seconds = (value: (visit: Visit) => number) => `${(median(value) / 1000).toFixed(2)} s`;
    const alive = median(({ alive }) => alive) > 0 ? seconds(({ alive }) => alive) : '–';
    const shift = Math.max(...visits.map(({ shift }) => shift)).toFixed(3);
    const loaded = `${(median(({ bytes }) => bytes) / 1000).toFixed(1)} kB`;
    rows.push(`| ${[path, seconds(({ painted }) => painted), alive, shift, loaded].join(' | ')} |`);
  }
  console.log(rows.join('\n'));
});

async function visit(page: Page, path: string): Promise<Visit> {
  const browser = await page.context().newCDPSession(page);
  await browser.send('Network.enable');
  await browser.send('Network.emulateNetworkConditions', FAST_3G);
  await browser.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  let bytes = 0;
  browser.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.addInitScript(() => {
    const seen = { alive: 0, shift: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shift += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
    new MutationObserver((_, observer) => {
      if (!('hydrated' in document.documentElement.dataset)) return;
      seen.alive = performance.now();
      observer.disconnect();
    }).observe(document, { attributes: true, subtree: true, childList: true });
  });
  await page.goto(path, { waitUntil: 'networkidle' });
  const measured = await page.evaluate(() => ({
    painted: performance.getEntriesByName('first-contentful-paint')[0]!.startTime,
    ...(window as unknown as { seen: { alive: number; shift: number } }).seen,
  }));
  expect(measured.alive > 0).toBe(path !== '/sign-in');
  return { ...measured, bytes };
}
