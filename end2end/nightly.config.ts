/** The browser tests with every combination of what they try: `make nightly`. */

import { defineConfig } from '@playwright/test';

import config from './playwright.config.ts';

export default defineConfig(config, {
  // Also both colour schemes at both widths, and the layout at six widths with and without wider text.
  metadata: { nightly: true },
  timeout: 900_000,
});
