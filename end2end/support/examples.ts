/** Runs code examples exactly as the pages print them: with a shell, Python or Node.js. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The file name and the program for each language. */
const LANGUAGES = {
  sh: ['example.sh', 'sh'],
  python: ['example.py', 'python3'],
  javascript: ['example.mjs', process.execPath],
} as const;

export type Language = keyof typeof LANGUAGES;

export const isLanguage = (name: string): name is Language => name in LANGUAGES;

export interface Example {
  language: Language;
  code: string;
  /** The response that the page prints after the examples, if there is one. */
  response: string | undefined;
}

/** The examples of a page, each with the response that follows its group. */
export function examplesOf(markdown: string): Example[] {
  const fences = [...markdown.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)];
  return fences.flatMap(([, language = '', code = ''], place) => {
    if (!isLanguage(language)) {
      return [];
    }
    const next = fences.slice(place + 1).find(([, other = '']) => !isLanguage(other));
    const response = next?.[1] === 'json' ? next[2] : undefined;
    return [{ language, code, response }];
  });
}

/** A running program. */
export interface Running {
  /** Kills the program, but not those that it has started. Returns after its end. */
  kill(): Promise<void>;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** Starts a saved program with these arguments. */
export function startProgram(
  language: Language,
  args: string[],
  variables: Record<string, string>,
): Running {
  const child = spawn(LANGUAGES[language][1], args, {
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]).then(
    ([stdout, stderr, [code]]) => ({ code: code as number | null, stdout, stderr }),
  );
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { kill, ended };
}

/** Runs the code and returns its standard output. Fails if the code ends with an error. */
export async function runExample(
  language: Language,
  code: string,
  variables: Record<string, string> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'example-'));
  try {
    const [name, program] = LANGUAGES[language];
    await writeFile(join(folder, name), code);
    const { stdout } = await run(program, [name], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ...variables },
      timeout: 120_000,
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}
