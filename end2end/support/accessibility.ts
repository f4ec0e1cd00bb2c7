/** Scans the page as it is now: axe, layout, motion. */

import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

import { expectFits, moving } from './layout.ts';
import { isNightly } from './nightly.ts';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

interface Look {
  width: number;
  scheme: 'light' | 'dark';
}

const DESKTOP = 1280;
export const PHONE = 360;
const HEIGHT = 800;

/** Each run of axe takes about a second. So a usual run has two scans, which cover both widths and colour schemes. */
const LOOKS: readonly Look[] = [
  { width: DESKTOP, scheme: 'light' },
  { width: PHONE, scheme: 'dark' },
];
/** The nightly run scans every combination. */
const EVERY_LOOK: readonly Look[] = [
  ...LOOKS,
  { width: DESKTOP, scheme: 'dark' },
  { width: PHONE, scheme: 'light' },
];

/**
 * Expects that axe finds nothing, that everything fits at every width, and that nothing moves if the user prefers
 * reduced motion. Pass a width to scan a state that exists at that width only.
 */
export async function expectAccessible(page: Page, onlyWidth?: number): Promise<void> {
  const everyLook = isNightly();
  const looks = (everyLook ? EVERY_LOOK : LOOKS).filter(
    ({ width }) => onlyWidth === undefined || width === onlyWidth,
  );
  const before = page.viewportSize();
  for (const { width, scheme } of looks) {
    await page.setViewportSize({ width, height: HEIGHT });
    // Axe would measure a transition half-way.
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    expect.soft(await violations(page), `axe, ${scheme}, ${width} px`).toEqual([]);
  }
  expect.soft(await moving(page), 'moves despite reduced motion').toEqual([]);
  await expectFits(page, everyLook);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) {
    await page.setViewportSize(before);
  }
}

/** The violations that axe finds on the page in its current look. */
export async function violations(page: Page): Promise<string[]> {
  const results = await new AxeBuilder({ page })
    // Our pages have no frames. Without them, axe needs no second page to collect its results.
    .setLegacyMode()
    .options({
      runOnly: { type: 'tag', values: RULES },
      // Axe leaves this rule out by default.
      rules: { 'target-size': { enabled: true } },
      resultTypes: ['violations'],
    })
    .analyze();
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any }) => `${id}: ${help}: ${target} ${any[0]?.message ?? ''}`),
  );
}
