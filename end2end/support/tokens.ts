/** Tokens as an operator handles them: by the command line, beside the server. */

import { MEMBER, SUMMIT } from './demo.ts';
import type { Server } from './server.ts';

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

/** Makes a token in 903, and gives it. */
export async function createToken(server: Server, createdBy: string = MEMBER): Promise<string> {
  const printed = await server.cli('token', 'create', ...OF_SUMMIT, '--created-by', createdBy);
  return printed.trim();
}

/** Makes tokens in 903, one after another. */
export async function createTokens(server: Server, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let made = 0; made < count; made += 1) {
    tokens.push(await createToken(server));
  }
  return tokens;
}

/** The tokens of an organisation as the database has them, newest first. */
export async function listTokens(server: Server, organisation = SUMMIT): Promise<ListedToken[]> {
  return JSON.parse(
    await server.cli('token', 'list', '--organisation', `${organisation}`, '--json'),
  ) as ListedToken[];
}

/** Deletes, activates or deactivates the token with this preview, as another admin would. */
export async function elsewhere(
  server: Server,
  action: 'delete' | 'activate' | 'deactivate',
  preview: string,
): Promise<void> {
  const token = (await listTokens(server)).find(({ token }) => token === preview);
  if (!token) {
    throw new Error(`there is no token ${preview}`);
  }
  await server.cli('token', action, ...OF_SUMMIT, `${token.id}`);
}
