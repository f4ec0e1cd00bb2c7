/** Runs the real binary: as a server with its own SQLite database, and as the command line beside that server. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const BINARY = resolve(
  import.meta.dirname,
  '..',
  process.env['DEVELOPER_ZONE_BIN'] ?? '../target/debug/developer-zone',
);
/** Ends a hanging start. A busy machine may need many seconds. */
const START_TIMEOUT = 120_000;
/** Ends a hanging stop. Much longer than `--shutdown-grace`, after which the server logs its unfinished requests. */
const STOP_TIMEOUT = 120_000;

const run = promisify(execFile);

/** The environment without the settings of the user who runs the tests. */
function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('DEVELOPER_ZONE_'),
  );
  return { ...Object.fromEntries(inherited), ...extra };
}

async function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'developer-zone-'));
}

function urlOf(folder: string): string {
  return `sqlite:${join(folder, 'zone.db')}`;
}

async function command(folder: string, args: string[]): Promise<string> {
  const { stdout } = await run(BINARY, [...args, '--database-url', urlOf(folder)], {
    env: environment({ DEVELOPER_ZONE_LOG: 'warn' }),
  });
  return stdout;
}

/** A database with the demo data. Each worker creates it once and copies it for each test, because hashing four passwords is slow. */
export class DemoDatabase {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<DemoDatabase> {
    const folder = await newFolder();
    await command(folder, ['demo']);
    return new DemoDatabase(folder);
  }

  async copyTo(folder: string): Promise<void> {
    await copyFile(join(this.folder, 'zone.db'), join(folder, 'zone.db'));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

export interface TestServerOptions {
  /** Further arguments of `serve`. */
  args?: string[];
  /** What is logged (`DEVELOPER_ZONE_LOG`). */
  log?: string;
}

export class TestServer {
  /** Scheme, host and port. */
  url = '';
  private output = '';
  private errors = '';
  private readonly exited: Promise<number | null>;

  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    // `close` comes after standard output and standard error have been read completely.
    this.exited = once(child, 'close').then(([code]) => code as number | null);
  }

  /** Starts a server on its own database: a copy of `database`, or an empty one. */
  static async start(database?: DemoDatabase, options: TestServerOptions = {}): Promise<TestServer> {
    const folder = await newFolder();
    await database?.copyTo(folder);
    const args = ['serve', '--listen', '127.0.0.1:0', '--database-url', urlOf(folder), '--demo'];
    const child = spawn(BINARY, [...args, ...(options.args ?? [])], {
      env: environment(options.log ? { DEVELOPER_ZONE_LOG: options.log } : {}),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Leaves no server behind if the tests are aborted.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    const server = new TestServer(folder, child);
    void server.exited.finally(() => process.off('exit', kill));
    await server.untilItResponds();
    return server;
  }

  private async untilItResponds(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT;
    while (Date.now() < deadline) {
      if (this.child.exitCode !== null) {
        throw new Error(`the server ended with ${this.child.exitCode}:\n${this.errors}`);
      }
      this.url ||= /^listening on (http:\/\/\S+)\n/.exec(this.output)?.[1] ?? '';
      if (this.url && (await this.isHealthy())) {
        return;
      }
      await sleep(5);
    }
    this.child.kill('SIGKILL');
    throw new Error(`the server did not respond in time:\n${this.output}${this.errors}`);
  }

  private async isHealthy(): Promise<boolean> {
    return fetch(`${this.url}/healthz`).then(
      (response) => response.status === 200,
      () => false,
    );
  }

  /** Its standard output so far. */
  get printed(): string {
    return this.output;
  }

  /** Its log so far. */
  get log(): string {
    return this.errors;
  }

  /** Warnings about requests or work that it gave up on when it stopped. */
  get abandoned(): string[] {
    return this.errors.split('\n').filter((line) => / WARN .*: stopped (with|while|before) /.test(line));
  }

  /** Runs the command line on the same database. Returns its standard output. */
  async cli(...args: string[]): Promise<string> {
    return command(this.folder, args);
  }

  /** The content of every file of the database. */
  async databaseFiles(): Promise<Map<string, Buffer>> {
    const entries = await readdir(this.folder, { withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(async ({ name }) => [name, await readFile(join(this.folder, name))] as const);
    return new Map(await Promise.all(files));
  }

  /** Renames a table of the running server, so that reading it fails. Returns a function that restores the name. */
  async renameTableAway(table: string): Promise<() => Promise<void>> {
    // The legacy way of renaming leaves the references of other tables unchanged.
    const renameTable = (from: string, to: string) =>
      this.sql(`PRAGMA legacy_alter_table = ON; ALTER TABLE ${from} RENAME TO ${to};`);
    await renameTable(table, `${table}_away`);
    return () => renameTable(`${table}_away`, table);
  }

  /** Registers another server, with a lease of ten seconds, that never acknowledges a change. */
  async addSilentServer(): Promise<void> {
    await this.sql('INSERT INTO servers (id, lease_ms, renewal, acknowledged) VALUES (1, 10000, 0, -1);');
  }

  /** Adds the organisations `Club 1`, `Club 2` and so on, with the user as a member. */
  async addOrganisations(email: string, count: number): Promise<void> {
    const numbers = `WITH RECURSIVE clubs (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM clubs WHERE n < ${count})`;
    await this.sql(`
      INSERT INTO organisations (id, name, plan, created_at)
        ${numbers} SELECT 1000 + n, 'Club ' || n, 'pro', 0 FROM clubs;
      INSERT INTO members (user_id, organisation_id, role)
        ${numbers} SELECT users.id, 1000 + n, 'user' FROM clubs JOIN users ON users.email = '${email}';`);
  }

  /** Runs statements on the database of the running server. */
  async sql(statements: string): Promise<void> {
    const script = 'import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=60).executescript(sys.argv[2])';
    await run('python3', ['-c', script, join(this.folder, 'zone.db'), statements]);
  }

  /** Moves the database's file away from the running server. Returns a function that puts it back. */
  async moveDatabaseAway(): Promise<() => Promise<void>> {
    const file = join(this.folder, 'zone.db');
    await rename(file, `${file}.away`);
    return () => rename(`${file}.away`, file);
  }

  /** Sends SIGTERM and waits for the end. Returns the exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    const timeout = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT);
    const code = await this.exited;
    clearTimeout(timeout);
    return code;
  }

  async removeDatabase(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
