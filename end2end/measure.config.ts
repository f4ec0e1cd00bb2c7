/** The measurements of `make bench` and `make lighthouse`. They are not tests. */

import { defineConfig } from '@playwright/test';

import config from './playwright.config.ts';

export default defineConfig(config, { testDir: 'measure', workers: 1, timeout: 600_000 });
