/**
 * Measures what 1,000 open tabs of the Developer Zone cost PostgreSQL while nothing changes, and how soon they show a
 * change.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { expect, test } from '@playwright/test';

import { SESSION_COOKIE, SUMMIT } from '../support/demo.ts';

/** Accounts, each in a network of its own: a server limits both. Together they have 1,000 tabs. */
const ACCOUNTS = 100;
const TABS_OF_ACCOUNT = 10;
const PASSWORD = 'a-password-of-many-tabs';
/** As `POLL_DELAY` in `app/src/developer_zone/tokens/watch.rs`. */
const POLL_DELAY = 1_500;
const MEASURED_SECONDS = 30;
const BINARY = resolve(import.meta.dirname, '../..', process.env['DEVELOPER_ZONE_BIN'] ?? '');
const POSTGRES = process.env['TEST_POSTGRES_URL'] ?? '';

interface Account {
  headers: Record<string, string>;
}

interface Tab {
  seen: string;
  changedAt: number;
  polls: number;
  failed: number;
}

const run = promisify(execFile);

test('1,000 open tabs while nothing changes', async () => {
  expect(POSTGRES, 'run it through `cargo xtask with-postgres`').not.toBe('');
  const env = { ...process.env, DEVELOPER_ZONE_DATABASE_URL: POSTGRES };
  const command = async (...args: string[]) => (await run(BINARY, args, { env })).stdout.trim();
  // PostgreSQL's own counts of transactions come late.
  await sql('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  await command('demo');
  const by = ['--organisation', String(SUMMIT)];
  await command('token', 'create', ...by, '--created-by', 'member@example.com');
  const args = ['serve', '--demo', '--listen', '127.0.0.1:0', '--trusted-proxies', '127.0.0.1'];
  const server = spawn(BINARY, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  const url = line.replace('listening on ', '');

  const accounts: Account[] = [];
  for (let number = 0; number < ACCOUNTS; number += 1) {
    accounts.push(await openAccount(url, number, env));
  }
  const end = { reached: false };
  const tabs: Tab[] = [];
  const polling = accounts.flatMap((account) =>
    Array.from({ length: TABS_OF_ACCOUNT }, async () => {
      const tab = { seen: '', changedAt: 0, polls: 0, failed: 0 };
      tabs.push(tab);
      await sleep(Math.random() * POLL_DELAY);
      while (!end.reached) {
        await poll(url, account, tab);
        await sleep(POLL_DELAY);
      }
    }),
  );
  await sleep(10_000);
  const before = await statements();
  await sleep(MEASURED_SECONDS * 1_000);
  const each = ((await statements()) - before) / MEASURED_SECONDS;

  const changed = Date.now();
  const [token] = JSON.parse(await command('token', 'list', ...by, '--json')) as [{ id: number }];
  await command('token', 'deactivate', ...by, String(token.id));
  const reported = Date.now();
  await expect.poll(() => tabs.filter((tab) => tab.changedAt < changed).length, { timeout: 60_000 }).toBe(0);
  const delays = tabs.map((tab) => tab.changedAt - reported).sort((one, other) => one - other);
  end.reached = true;
  await Promise.all(polling);
  server.kill();
  await once(server, 'exit');
  const at = (share: number) => delays[Math.ceil(delays.length * share) - 1];
  const sum = (count: (tab: Tab) => number) => tabs.reduce((all, tab) => all + count(tab), 0);
  console.log(
    `${tabs.length} tabs, ${sum((tab) => tab.polls)} polls, ${sum((tab) => tab.failed)} failed: ${each.toFixed(1)} statements a second. ` +
      `A change is shown after ${at(0.5)} ms (median), ${at(0.95)} ms (p95), ${at(1)} ms (last)`,
  );
});

/** Creates a user, and signs in from an address of its own. */
async function openAccount(url: string, number: number, env: NodeJS.ProcessEnv): Promise<Account> {
  const email = `tabs-${number}@example.com`;
  const create = ['user', 'create', '--email', email, '--organisation', String(SUMMIT)];
  const created = run(BINARY, [...create, '--role', 'admin', '--password-stdin'], { env });
  created.child.stdin?.end(PASSWORD);
  await created;
  const address = { 'X-Forwarded-For': `10.0.${number}.1` };
  const body = new URLSearchParams({ email, password: PASSWORD });
  const response = await fetch(`${url}/api/dashboard/sign-in`, {
    method: 'POST',
    headers: address,
    body,
    redirect: 'manual',
  });
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
  expect(cookies.some((cookie) => cookie.startsWith(SESSION_COOKIE))).toBe(true);
  return { headers: { ...address, Cookie: cookies.join('; '), 'Content-Type': 'application/json' } };
}

/** A poll that fails is followed by another, as on the page. */
async function poll(url: string, account: Account, tab: Tab): Promise<void> {
  const body = JSON.stringify({ organisation_id: SUMMIT, seen: tab.seen });
  const request = { method: 'POST', headers: account.headers, body };
  const response = await fetch(`${url}/api/dashboard/watch-tokens`, request).catch(() => null);
  tab.polls += 1;
  if (response?.status !== 200) {
    tab.failed += 1;
    return;
  }
  const listed = (await response.json()) as { fingerprint: string } | null;
  if (listed !== null) {
    tab.seen = listed.fingerprint;
    tab.changedAt = Date.now();
  }
}

/** How many statements the database has executed so far, also those of the measurement. */
async function statements(): Promise<number> {
  return Number(await sql('SELECT sum(calls) FROM pg_stat_statements'));
}

async function sql(text: string): Promise<string> {
  return (await run('psql', [POSTGRES, '-Atc', text])).stdout;
}
