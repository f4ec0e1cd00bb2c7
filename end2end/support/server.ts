/** The real binary: as a server with a database of its own, and as the command line beside it. */

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
const STARTS_WITHIN = 60_000;
/** Longer than it gives its requests and its database (`--shutdown-grace`): it is to say itself what kept it. */
const STOPS_WITHIN = 30_000;

const run = promisify(execFile);

/** Settings of the machine's own user must not reach the binary. */
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

/** A database with the demo data, made once and copied for each test: hashing four passwords takes a while. */
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

export interface ServerOptions {
  /** Further arguments of `serve`. */
  args?: string[];
  /** What is logged (`DEVELOPER_ZONE_LOG`). */
  log?: string;
}

export class Server {
  /** Where it is reached: scheme, host and port. */
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
    // `close` comes once standard output and error have been read to their end.
    this.exited = once(child, 'close').then(([code]) => code as number | null);
  }

  /** Starts a server on a database of its own: a copy of `database`, or an empty one. */
  static async start(database?: DemoDatabase, options: ServerOptions = {}): Promise<Server> {
    const folder = await newFolder();
    await database?.copyTo(folder);
    const args = ['serve', '--listen', '127.0.0.1:0', '--database-url', urlOf(folder), '--demo'];
    const child = spawn(BINARY, [...args, ...(options.args ?? [])], {
      env: environment(options.log ? { DEVELOPER_ZONE_LOG: options.log } : {}),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // Nothing is left behind when the tests are broken off.
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    const server = new Server(folder, child);
    void server.exited.finally(() => process.off('exit', kill));
    await server.untilItAnswers();
    return server;
  }

  private async untilItAnswers(): Promise<void> {
    const deadline = Date.now() + STARTS_WITHIN;
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
    throw new Error(`the server did not answer in time:\n${this.output}${this.errors}`);
  }

  private async isHealthy(): Promise<boolean> {
    return fetch(`${this.url}/healthz`).then(
      (answer) => answer.status === 200,
      () => false,
    );
  }

  /** Everything it has printed. */
  get printed(): string {
    return this.output;
  }

  /** Everything it has logged. */
  get log(): string {
    return this.errors;
  }

  /** What it gave up on when it stopped. */
  get abandoned(): string[] {
    return this.errors.split('\n').filter((line) => / WARN .*: stopped (with|while|before) /.test(line));
  }

  /** Runs the command line on the same database, as an operator beside the server would. */
  async cli(...args: string[]): Promise<string> {
    return command(this.folder, args);
  }

  /** Every file of the database, byte for byte. */
  async databaseFiles(): Promise<Map<string, Buffer>> {
    const entries = await readdir(this.folder, { withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map(async ({ name }) => [name, await readFile(join(this.folder, name))] as const);
    return new Map(await Promise.all(files));
  }

  /** Takes a table away from the running server, so that what is read from it cannot be. Gives what puts it back. */
  async takeTableAway(table: string): Promise<() => Promise<void>> {
    const renameTable = async (from: string, to: string) => {
      const script =
        'import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=10).executescript(sys.argv[2])';
      // The old way of renaming leaves the references of other tables as they are.
      const statements = `PRAGMA legacy_alter_table = ON; ALTER TABLE ${from} RENAME TO ${to};`;
      await run('python3', ['-c', script, join(this.folder, 'zone.db'), statements]);
    };
    await renameTable(table, `${table}_away`);
    return () => renameTable(`${table}_away`, table);
  }

  /** Takes the database's file away from the running server. Gives what puts it back. */
  async takeDatabaseAway(): Promise<() => Promise<void>> {
    const file = join(this.folder, 'zone.db');
    await rename(file, `${file}.away`);
    return () => rename(`${file}.away`, file);
  }

  /** Tells it to stop as an operating system does. Gives its exit code. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    const tooLate = setTimeout(() => this.child.kill('SIGKILL'), STOPS_WITHIN);
    const code = await this.exited;
    clearTimeout(tooLate);
    return code;
  }

  async removeDatabase(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
