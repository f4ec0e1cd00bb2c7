/** What `make bench` measures in a browser; no test. */

import { defineConfig } from '@playwright/test';

import usual from './playwright.config.ts';

export default defineConfig(usual, { testDir: 'measure', workers: 1, timeout: 300_000 });
