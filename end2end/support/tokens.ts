/** Handles tokens by the command line, as an operator does beside the running server. */

import { MEMBER, SUMMIT } from './demo.ts';
import type { TestServer } from './server.ts';

export interface ListedToken {
  id: number;
  name: string | null;
  /** The preview, `k7Q2x***`. */
  token: string;
  status: 'active' | 'inactive';
  created_by: string;
  created_at: string;
}

const OF_SUMMIT = ['--organisation', `${SUMMIT}`];

/** Creates a token of 903 and returns it. */
export async function createToken(server: TestServer, createdBy: string = MEMBER): Promise<string> {
  const printed = await server.cli('token', 'create', ...OF_SUMMIT, '--created-by', createdBy);
  return printed.trim();
}

/** Creates tokens of 903, one after another, and returns them oldest first. */
export async function createTokens(server: TestServer, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let created = 0; created < count; created += 1) {
    tokens.push(await createToken(server));
  }
  return tokens;
}

/** An organisation's tokens in the database, newest first. */
export async function listTokens(server: TestServer, organisation = SUMMIT): Promise<ListedToken[]> {
  return JSON.parse(
    await server.cli('token', 'list', '--organisation', `${organisation}`, '--json'),
  ) as ListedToken[];
}

/** Changes the token with this preview by the command line, as another admin would. */
export async function changeByCli(
  server: TestServer,
  action: 'delete' | 'activate' | 'deactivate',
  preview: string,
): Promise<void> {
  const token = (await listTokens(server)).find(({ token }) => token === preview);
  if (!token) {
    throw new Error(`there is no token ${preview}`);
  }
  await server.cli('token', action, ...OF_SUMMIT, `${token.id}`);
}
