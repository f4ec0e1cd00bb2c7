/** Runs code examples exactly as the pages print them: with a shell, Python or Node.js. */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
