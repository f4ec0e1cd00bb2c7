import { test } from '@playwright/test';

/** Whether this is the nightly run, which takes the time for every combination: nightly.config.ts. */
export function isNightly(): boolean {
  return test.info().config.metadata['nightly'] === true;
}
