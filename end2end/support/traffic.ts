/** Measures what a browser loads for a page. */

import type { Page, Request } from '@playwright/test';

export interface LoadedFile {
  url: string;
  /** The browser's name for the kind of file: `document`, `stylesheet`, `script`, `font`, … */
  type: string;
  /** Bytes on the network: those of the compressed file if it was compressed. */
  bytes: number;
  headers: Record<string, string>;
}

/** Opens a page and returns every file that was loaded until the network was idle. */
export async function filesLoadedBy(page: Page, path: string): Promise<LoadedFile[]> {
  const finished: Request[] = [];
  const add = (request: Request) => finished.push(request);
  page.on('requestfinished', add);
  await page.goto(path, { waitUntil: 'networkidle' });
  page.off('requestfinished', add);
  return Promise.all(
    finished.map(async (request) => {
      const headers = (await (await request.response())?.allHeaders()) ?? {};
      const { responseBodySize: bytes } = await request.sizes();
      return { url: request.url(), type: request.resourceType(), bytes, headers };
    }),
  );
}
