/** What a screen reader says by itself: what comes into a page's live regions. */

import type { Page } from '@playwright/test';

interface Listening {
  announced: string[];
}

/**
 * Listens on pages opened from now on. Gives what was announced so far, oldest first.
 *
 * Goes by WAI-ARIA 1.2: `status` and `alert` are atomic unless they say otherwise, so all that is in such a region is
 * read out whenever something comes into it; of another region, only what is new. Of regions that bring their words
 * along only alerts are read out. What a page has from the start is no news.
 */
export async function listen(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const announced: string[] = [];
    Object.assign(window, { announced });
    const regionOf = (node: Node) => {
      const around = node instanceof Element && !node.matches('[role="alert"]') ? node.parentElement : node;
      return (around instanceof Element ? around : around?.parentElement)?.closest(
        '[role="status"], [role="alert"], [aria-live]:not([aria-live="off"])',
      );
    };
    const wordsOf = (node: Node) => (node.textContent ?? '').trim().replace(/\s+/g, ' ');
    const observer = new MutationObserver((mutations) => {
      /** What is new in each region. A node in another that is new as well is read with that one. */
      const regions = new Map<Element, Set<Node>>();
      const note = (node: Node) => {
        const region = regionOf(node);
        if (region && node.isConnected) {
          const news = regions.get(region) ?? regions.set(region, new Set()).get(region)!;
          if (![...news].some((other) => other.contains(node))) {
            news.add(node);
          }
        }
        if (node instanceof Element) {
          node.querySelectorAll('[role="alert"]').forEach(note);
        }
      };
      for (const { type, target, addedNodes } of mutations) {
        (type === 'characterData' ? [target] : [...addedNodes]).forEach(note);
      }
      for (const [region, news] of regions) {
        const isAtomic = region.getAttribute('aria-atomic') ?? String(region.hasAttribute('role'));
        const read = isAtomic === 'true' ? [region] : [...news];
        const words = read.map(wordsOf).join(' ').trim();
        if (words) {
          announced.push(words);
        }
      }
    });
    addEventListener('DOMContentLoaded', () =>
      observer.observe(document, { subtree: true, childList: true, characterData: true }),
    );
  });
  return () => page.evaluate(() => (window as unknown as Listening).announced);
}
