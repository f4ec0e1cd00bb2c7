/**
 * Browser tests of the Developer Zone. README.md says how they are organised.
 *
 * `make e2e` runs this configuration, and `make nightly` runs nightly.config.ts, which scans every look of every page.
 */

import { defineConfig } from '@playwright/test';

// Pages here show API tokens. Without this, Playwright writes a snapshot of the page, with the values of its fields,
// beside each failed test.
process.env['PLAYWRIGHT_NO_COPY_PROMPT'] = '1';

/** Chromium without the windows around its pages, which would take a third of the tests' processor time (decision 42). */
const BROWSER = process.env['CHROME'] ?? '/usr/bin/chromium-headless-shell';

const ARGUMENTS = [
  // No requests of its own: the machine may be offline, and no test may depend on them.
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-client-side-phishing-detection',
  '--no-pings',
  // With WebAssemblyTrapHandler, this kind of Chromium crashes where the whole browser throws a RuntimeError: it has no
  // handler for signals.
  '--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication,WebAssemblyTrapHandler',
];

export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  preserveOutput: 'never',
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  retries: 0,
  // Timeouts only end what hangs. On a busy machine, everything may take many seconds.
  timeout: 300_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: BROWSER,
      chromiumSandbox: process.getuid?.() !== 0,
      args: ARGUMENTS,
    },
    locale: 'en-GB',
    timezoneId: 'Europe/London',
    viewport: { width: 1280, height: 800 },
    actionTimeout: 60_000,
    navigationTimeout: 60_000,
    trace: 'off',
    screenshot: 'off',
    video: 'off',
  },
});
