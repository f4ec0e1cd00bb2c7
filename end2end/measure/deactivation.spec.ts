/** Measures how long deactivating a token takes: from the click on the switch until the page shows `Inactive`. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { type Browser, expect, type Locator, test } from '@playwright/test';

import { DeveloperZonePage, previewOf } from '../pages/developer-zone.ts';
import { MEMBER, PASSWORD, SUMMIT } from '../support/demo.ts';

const ROUNDS = 50;
const BINARY = resolve(import.meta.dirname, '../..', process.env['DEVELOPER_ZONE_BIN'] ?? '');

interface Setting {
  name: string;
  url: string;
  servers: number;
}

test('deactivating a token, from the click to Inactive', async ({ browser }) => {
  const folder = await mkdtemp(join(tmpdir(), 'developer-zone-'));
  const postgres = process.env['TEST_POSTGRES_URL'];
  const settings: Setting[] = [
    { name: 'SQLite, one server', url: `sqlite:${join(folder, 'zone.db')}`, servers: 1 },
    ...(postgres ? [{ name: 'PostgreSQL, three servers', url: postgres, servers: 3 }] : []),
  ];
  const rows = [];
  for (const setting of settings) {
    rows.push(await measure(browser, setting));
  }
  await rm(folder, { recursive: true });
  console.log(['| setting | median | p95 | maximum |', '|---|---|---|---|', ...rows].join('\n'));
});

async function measure(browser: Browser, { name, url, servers }: Setting): Promise<string> {
  const environment = { ...process.env, DEVELOPER_ZONE_DATABASE_URL: url };
  const run = (args: string[]) => promisify(execFile)(BINARY, args, { env: environment });
  await run(['demo']);
  const by = ['--organisation', String(SUMMIT), '--created-by', MEMBER];
  const token = (await run(['token', 'create', ...by])).stdout.trim();
  const started: ChildProcess[] = [];
  const addresses: string[] = [];
  for (let server = 0; server < servers; server += 1) {
    const args = ['serve', '--demo', '--listen', '127.0.0.1:0'];
    const child = spawn(BINARY, args, { env: environment, stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    addresses.push(line.replace('listening on ', ''));
    started.push(child);
  }
  const page = await browser.newPage({ baseURL: addresses[0] ?? '' });
  await page.request.post('/api/dashboard/sign-in', { form: { email: MEMBER, password: PASSWORD } });
  const zone = new DeveloperZonePage(page);
  await zone.open();
  const row = zone.row(previewOf(token));
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await expect(row.status).toHaveText('Active');
    took.push(await clickToInactive(row.switch, row.status));
    for (const address of addresses) {
      const path = `${address}/api/v1/ext/${SUMMIT}/event/456/ping`;
      const refused = await page.request.get(path, { headers: { 'X-API-Key': token } });
      expect(refused.status()).toBe(403);
    }
    await row.switch.click();
  }
  await page.close();
  for (const server of started) {
    server.kill();
    await once(server, 'exit');
  }
  took.sort((one, other) => one - other);
  const at = (percent: number) => Math.round(took[Math.ceil((took.length * percent) / 100) - 1] ?? NaN);
  return `| ${name} | ${at(50)} ms | ${at(95)} ms | ${at(100)} ms |`;
}

/** Milliseconds from the click to the changed text, measured in the page itself. */
async function clickToInactive(control: Locator, status: Locator): Promise<number> {
  const text = await status.elementHandle();
  return control.evaluate(
    (element, shown) =>
      new Promise<number>((done) => {
        const begun = performance.now();
        const observer = new MutationObserver(() => {
          if (shown?.textContent?.trim() === 'Inactive') {
            observer.disconnect();
            done(performance.now() - begun);
          }
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        (element as HTMLElement).click();
      }),
    text,
  );
}
