/** The fixtures of every test: a server with fresh demo data, and a browser whose errors are collected. */

import {
  type APIRequestContext,
  type BrowserContext,
  type BrowserContextOptions,
  expect,
  type Page,
  test as base,
} from '@playwright/test';

import { PASSWORD } from './demo.ts';
import { PageErrors } from './page-errors.ts';
import { DemoDatabase, TestServer, type TestServerOptions } from './server.ts';

interface Options {
  /** How the servers of this file or block start. */
  serverOptions: TestServerOptions;
}

interface Fixtures {
  server: TestServer;
  pageErrors: PageErrors;
  /** Signs in the test's browser by a request, without the sign-in page. */
  signIn: (email: string, organisation?: number) => Promise<void>;
  /** Opens a second browser, as another person has one. */
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
    const server = await TestServer.start(demoDatabase, serverOptions);
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

  pageErrors: async ({ server }, use) => {
    const pageErrors = new PageErrors(server.url);
    await use(pageErrors);
    expect(pageErrors.unexpected, 'errors on pages').toEqual([]);
  },

  context: async ({ context, pageErrors }, use) => {
    await pageErrors.watch(context);
    await use(context);
  },

  openContext: async ({ browser, pageErrors, server }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      opened.push(context);
      await pageErrors.watch(context);
      return context;
    });
    await Promise.all(opened.map((context) => context.close()));
  },

  signIn: async ({ context }, use) => {
    await use((email, organisation) => signIn(context.request, email, organisation));
  },
});

export { expect };

/** Sends the request of the sign-in form. The cookies go to the context that `request` belongs to. */
export async function signIn(
  request: APIRequestContext,
  email: string,
  organisation?: number,
): Promise<void> {
  const signedIn = await request.post('/api/dashboard/sign-in', {
    form: { email, password: PASSWORD },
    maxRedirects: 0,
  });
  expect(signedIn.headers()['location'], `${email} signs in`).toBe('/');
  if (organisation !== undefined) {
    await selectOrganisation(request, organisation);
  }
}

/** Sends the request of the organisation switcher. */
export async function selectOrganisation(
  request: APIRequestContext,
  organisation: number,
): Promise<void> {
  const selected = await request.post('/api/dashboard/select-organisation', {
    form: { organisation_id: organisation },
    maxRedirects: 0,
  });
  expect(selected.status(), `selects ${organisation}`).toBe(303);
}

/** Opens a page and waits until its islands are hydrated. */
export async function openPage(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await waitForHydration(page);
}

/** Waits until every island of the page is hydrated. Some pages have no islands. */
export async function waitForHydration(page: Page): Promise<void> {
  await expect(
    page.locator('html[data-hydrated], html:not(:has(leptos-island))'),
  ).toBeAttached();
}
