import { defineConfig } from '@playwright/test';

// Pages here hold API tokens. Without this, Playwright writes a snapshot of the page, input values and
// all, beside every failed test.
process.env['PLAYWRIGHT_NO_COPY_PROMPT'] = '1';

/** Chromium asks its makers for nothing: the machine may be offline, and a test must not depend on them. */
const QUIET = [
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-client-side-phishing-detection',
  '--no-pings',
  '--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication',
];

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  preserveOutput: 'never',
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  retries: 0,
  // These end what hangs. No test is judged by how long it took: the machine may be busy.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env['CHROME'] ?? '/usr/bin/chromium',
      chromiumSandbox: process.getuid?.() !== 0,
      args: QUIET,
    },
    locale: 'en-GB',
    timezoneId: 'Europe/London',
    viewport: { width: 1280, height: 800 },
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
    trace: 'off',
    screenshot: 'off',
    video: 'off',
  },
});
