/** Scans of what is on the page, in every look it has. */

import { AxeBuilder } from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';

import { expectFits, moving } from './layout.ts';

/** Which of axe's rules are run. */
interface Rules {
  type: 'tag' | 'rule';
  values: string[];
}

const EVERYTHING: Rules = {
  type: 'tag',
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};
/** All rules of those that can differ between light and dark. */
export const COLOURS: Rules = {
  type: 'rule',
  values: ['color-contrast', 'link-in-text-block'],
};
const WIDTHS = [1280, 360] as const;
const HEIGHT = 800;

/** No axe violation in light and dark, wide and narrow; all fits at every width; nothing moves that should not. */
export async function expectAccessible(
  page: Page,
  widths: readonly number[] = WIDTHS,
): Promise<void> {
  const before = page.viewportSize();
  for (const width of widths) {
    await page.setViewportSize({ width, height: HEIGHT });
    // What moves would be measured half-way.
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    expect.soft(await violations(page), `axe, light, ${width} px`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    expect.soft(await violations(page, COLOURS), `axe, dark, ${width} px`).toEqual([]);
  }
  expect.soft(await moving(page), 'moves although motion is not wanted').toEqual([]);
  await expectFits(page);
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) {
    await page.setViewportSize(before);
  }
}

/** What axe has to complain of on the page as it is. */
export async function violations(page: Page, runOnly: Rules = EVERYTHING): Promise<string[]> {
  const results = await new AxeBuilder({ page })
    // There are no frames, so axe needs no second page to gather what it finds.
    .setLegacyMode()
    .options({
      runOnly,
      // By itself axe leaves this rule out.
      ...(runOnly.type === 'tag' && { rules: { 'target-size': { enabled: true } } }),
      resultTypes: ['violations'],
    })
    .analyze();
  return results.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any }) => `${id}: ${help}: ${target} ${any[0]?.message ?? ''}`),
  );
}
