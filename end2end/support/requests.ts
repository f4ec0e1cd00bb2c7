/** What becomes of a page's requests to its server functions. */

import { expect, type Page, type Route } from '@playwright/test';

const address = (name: string) => `**/api/dashboard/${name}`;

/** Keeps the page from finding out by itself what others have done. */
export async function unwatched(page: Page): Promise<void> {
  await page.route(address('watch-tokens'), async (route) => {
    const { seen } = route.request().postDataJSON() as { seen?: string | null };
    // Asked for the whole list, it catches up because of what it was answered.
    if (!seen) {
      await route.fallback();
    }
  });
}

/** Requests of one server function that wait on their way until they are let go. */
export class HeldRequests {
  private arrived = 0;
  private letGo!: () => void;
  private readonly gate = new Promise<void>((resolve) => (this.letGo = resolve));

  private constructor(
    private readonly page: Page,
    private readonly name: string,
  ) {}

  static async of(page: Page, name: string): Promise<HeldRequests> {
    const held = new HeldRequests(page, name);
    await page.route(address(name), async (route) => {
      held.arrived += 1;
      await held.gate;
      await route.fallback();
    });
    return held;
  }

  get count(): number {
    return this.arrived;
  }

  async untilOneArrived(): Promise<void> {
    await expect.poll(() => this.arrived, `requests of ${this.name}`).toBe(1);
  }

  async release(): Promise<void> {
    this.letGo();
    await this.page.unroute(address(this.name));
  }
}

/** Counts a page's requests of one server function. */
export function countRequests(page: Page, name: string): () => number {
  let count = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === `/api/dashboard/${name}`) {
      count += 1;
    }
  });
  return () => count;
}

async function intercept(
  page: Page,
  name: string,
  handler: (route: Route) => Promise<void>,
): Promise<() => Promise<void>> {
  await page.route(address(name), handler);
  return () => page.unroute(address(name));
}

/** Lets a server function fail as it does when the database is away. Gives the way back. */
export async function answerUnavailable(page: Page, name: string): Promise<() => Promise<void>> {
  return intercept(page, name, (route) =>
    route.fulfill({
      status: 503,
      headers: { serverfnerror: `/api/dashboard/${name}` },
      contentType: 'application/json',
      body: '"Unavailable"',
    }),
  );
}

/** Lets the connection break before a server function answers. Gives the way back. */
export async function breakConnection(page: Page, name: string): Promise<() => Promise<void>> {
  return intercept(page, name, (route) => route.abort('connectionreset'));
}

/** The browser's own note on a request that failed. */
export function failedToLoad(status: number): RegExp {
  return new RegExp(`^console error: Failed to load resource: .*status of ${status}`);
}

/** The browser's own note on a request that never got an answer. */
export const CONNECTION_FAILED = /^console error: Failed to load resource: net::ERR_/;
