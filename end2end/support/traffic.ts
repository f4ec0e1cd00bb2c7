/** What a page makes the browser fetch. */

import type { Page, Request } from '@playwright/test';

export interface Fetched {
  url: string;
  /** What the browser wants it for: `document`, `stylesheet`, `script`, `font`, … */
  type: string;
  /** Bytes as they were sent: of a compressed answer the compressed ones. */
  bytes: number;
  headers: Record<string, string>;
}

/** Opens a page with nothing in the browser's cache, and gives all that was fetched until nothing more came. */
export async function fetchedBy(page: Page, path: string): Promise<Fetched[]> {
  const finished: Request[] = [];
  const note = (request: Request) => finished.push(request);
  page.on('requestfinished', note);
  await page.goto(path, { waitUntil: 'networkidle' });
  page.off('requestfinished', note);
  return Promise.all(
    finished.map(async (request) => {
      const headers = (await (await request.response())?.allHeaders()) ?? {};
      const { responseBodySize: bytes } = await request.sizes();
      return { url: request.url(), type: request.resourceType(), bytes, headers };
    }),
  );
}
