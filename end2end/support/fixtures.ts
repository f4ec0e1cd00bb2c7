/** What every test starts from: a server with fresh demo data, and a browser that is watched. */

import {
  type APIRequestContext,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Page,
  test as base,
} from '@playwright/test';

import { Collector } from './collector.ts';
import { PASSWORD } from './demo.ts';
import { DemoDatabase, Server, type ServerOptions } from './server.ts';

interface Options {
  /** How this file's or block's servers are started. */
  serverOptions: ServerOptions;
}

interface Fixtures {
  server: Server;
  collector: Collector;
  /** Signs the test's browser in, without the page for it. */
  signIn: (email: string, organisation?: number) => Promise<void>;
  /** A further browser, as another person has one. */
  openContext: (options?: BrowserContextOptions) => Promise<BrowserContext>;
}

interface WorkerFixtures {
  demoDatabase: DemoDatabase;
}

export const test = base.extend<Options & Fixtures, WorkerFixtures>({
  serverOptions: [{}, { option: true }],

  demoDatabase: [
    async ({}, use) => {
      const database = await DemoDatabase.create();
      await use(database);
      await database.remove();
    },
    { scope: 'worker' },
  ],

  server: async ({ demoDatabase, serverOptions }, use, testInfo) => {
    const server = await Server.start(demoDatabase, serverOptions);
    await use(server);
    const code = await server.stop();
    const stoppedInOrder = code === 0 && server.abandoned.length === 0;
    if (!stoppedInOrder || testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach('log of the server', { body: server.log, contentType: 'text/plain' });
    }
    expect(code, 'the exit code after SIGTERM').toBe(0);
    expect(server.abandoned, 'unfinished when it stopped').toEqual([]);
    await server.removeDatabase();
  },

  baseURL: async ({ server }, use) => use(server.url),

  collector: async ({ server }, use) => {
    const collector = new Collector(server.url);
    await use(collector);
    expect(collector.unexpected, 'complaints of the browser').toEqual([]);
  },

  context: async ({ context, collector }, use) => {
    await collector.watch(context);
    await use(context);
  },

  openContext: async ({ browser, collector, server }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      opened.push(context);
      await collector.watch(context);
      return context;
    });
    await Promise.all(opened.map((context) => context.close()));
  },

  signIn: async ({ context }, use) => {
    await use((email, organisation) => signIn(context.request, email, organisation));
  },
});

export { expect };

/** Signs in by the request that the form sends; the cookies go to whatever `request` shares them with. */
export async function signIn(
  request: APIRequestContext,
  email: string,
  organisation?: number,
): Promise<void> {
  const signedIn = await request.post('/api/dashboard/sign-in', {
    form: { email, password: PASSWORD },
    maxRedirects: 0,
  });
  expect(signedIn.headers()['location'], `${email} signs in`).toBe('/events');
  if (organisation !== undefined) {
    const selected = await request.post('/api/dashboard/select-organisation', {
      form: { organisation_id: organisation },
      maxRedirects: 0,
    });
    expect(selected.status(), `${email} selects ${organisation}`).toBe(303);
  }
}

/** Opens a page and waits until the script has taken over what there is of it. */
export async function openPage(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await hydrated(page);
}

/** Waits until the script has taken over every island of the page; some pages have none. */
export async function hydrated(page: Page): Promise<void> {
  await expect(
    page.locator('html[data-hydrated], html:not(:has(leptos-island))'),
  ).toBeAttached();
}
