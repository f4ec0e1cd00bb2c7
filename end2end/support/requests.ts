/** Delays, counts or breaks a page's requests to its server functions. */

import { expect, type Page, type Route } from '@playwright/test';

const address = (name: string) => `**/api/dashboard/${name}*`;

/**
 * Blocks the poll by which the page learns of changes made elsewhere. Requests for the whole list still pass: the page
 * sends those after the server has refused a change.
 */
export async function blockPolling(page: Page): Promise<void> {
  await page.route(address('watch-tokens'), async (route) => {
    const { seen } = route.request().postDataJSON() as { seen?: string | null };
    if (!seen) {
      await route.fallback();
    }
  });
}

/** Requests of one server function that wait until the test releases them. */
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

/** Counts a page's requests to one server function. */
export function countRequests(page: Page, name: string): () => number {
  let count = 0;
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === `/api/dashboard/${name}`) {
      count += 1;
    }
  });
  return () => count;
}

/** Handles a page's requests to one server function. Returns a function that ends this. */
async function intercept(
  page: Page,
  name: string,
  handler: (route: Route) => Promise<void>,
): Promise<() => Promise<void>> {
  await page.route(address(name), handler);
  return () => page.unroute(address(name));
}

async function respondError(page: Page, name: string, status: number, error: unknown): Promise<() => Promise<void>> {
  return intercept(page, name, (route) =>
    route.fulfill({
      status,
      headers: { serverfnerror: `/api/dashboard/${name}` },
      contentType: 'application/json',
      body: JSON.stringify(error),
    }),
  );
}

/** Makes a server function fail as it does without a database. Returns a function that ends this. */
export async function respondUnavailable(page: Page, name: string): Promise<() => Promise<void>> {
  return respondError(page, name, 503, 'Unavailable');
}

/** Lets a proxy respond with a page of its own after the server has made the change. Returns a function that ends this. */
export async function respondBadGateway(page: Page, name: string): Promise<() => Promise<void>> {
  return intercept(page, name, async (route) => {
    await route.fetch();
    await route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>502 Bad Gateway</h1>' });
  });
}

/** Makes a server function fail as it does beyond the limits of requests. Returns a function that ends this. */
export async function respondTooManyRequests(page: Page, name: string): Promise<() => Promise<void>> {
  return respondError(page, name, 429, { TooManyRequests: 1 });
}

/** Closes the connection before a server function responds. Returns a function that ends this. */
export async function breakConnection(page: Page, name: string): Promise<() => Promise<void>> {
  return intercept(page, name, (route) => route.abort('connectionreset'));
}

/** The browser's own console message about a response with this status. */
export function failedToLoad(status: number): RegExp {
  return new RegExp(`^console error: Failed to load resource: .*status of ${status}`);
}

/** The browser's own console message about a request without a response. */
export const CONNECTION_FAILED = /^console error: Failed to load resource: net::ERR_/;
