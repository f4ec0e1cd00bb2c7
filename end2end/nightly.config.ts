/** The browser tests with every accessibility scan in every look: `make nightly`. */

import { defineConfig } from '@playwright/test';

import config from './playwright.config.ts';

export default defineConfig(config, {
  // Both colour schemes at both widths, and the layout at six widths with and without wider text.
  metadata: { everyLook: true },
  timeout: 900_000,
});
