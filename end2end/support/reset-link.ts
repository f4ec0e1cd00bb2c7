/** Creates reset links, as an operator does. */

import type { TestServer } from './server.ts';

export interface ResetLink {
  /** Path and query. */
  path: string;
  secret: string;
}

/** A link with which the owner of the account sets a new password. */
export async function resetLink(server: TestServer, email: string): Promise<ResetLink> {
  const link = new URL(await server.cli('user', 'reset-link', '--email', email));
  return { path: link.pathname + link.search, secret: link.searchParams.get('link')! };
}
