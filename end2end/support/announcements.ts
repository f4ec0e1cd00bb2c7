/** Records what a screen reader announces by itself: text that a page adds to its live regions. */

import type { Page } from '@playwright/test';

interface RecordingWindow {
  announced: string[];
}

/**
 * Records on pages opened from now on. Returns a function that gives all announcements so far, oldest first.
 *
 * Follows WAI-ARIA 1.2. `status` and `alert` are atomic by default: each change announces the whole region. Other live
 * regions announce only what is new. If a new region already has text, only an alert announces it. Text that the page
 * has from the start is not announced.
 */
export async function recordAnnouncements(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const announced: string[] = [];
    Object.assign(window, { announced });
    const regionOf = (node: Node) => {
      const around = node instanceof Element && !node.matches('[role="alert"]') ? node.parentElement : node;
      return (around instanceof Element ? around : around?.parentElement)?.closest(
        '[role="status"], [role="alert"], [aria-live]:not([aria-live="off"])',
      );
    };
    const textOf = (node: Node) => (node.textContent ?? '').trim().replace(/\s+/g, ' ');
    const observer = new MutationObserver((mutations) => {
      /** The new nodes of each region. A node inside another new node is announced with that one. */
      const regions = new Map<Element, Set<Node>>();
      const add = (node: Node) => {
        const region = regionOf(node);
        if (region && node.isConnected) {
          const added = regions.get(region) ?? regions.set(region, new Set()).get(region)!;
          if (![...added].some((other) => other.contains(node))) {
            added.add(node);
          }
        }
        if (node instanceof Element) {
          node.querySelectorAll('[role="alert"]').forEach(add);
        }
      };
      for (const { type, target, addedNodes } of mutations) {
        (type === 'characterData' ? [target] : [...addedNodes]).forEach(add);
      }
      for (const [region, added] of regions) {
        const isAtomic = region.getAttribute('aria-atomic') ?? String(region.hasAttribute('role'));
        const read = isAtomic === 'true' ? [region] : [...added];
        const text = read.map(textOf).join(' ').trim();
        if (text) {
          announced.push(text);
        }
      }
    });
    addEventListener('DOMContentLoaded', () =>
      observer.observe(document, { subtree: true, childList: true, characterData: true }),
    );
  });
  return () => page.evaluate(() => (window as unknown as RecordingWindow).announced);
}
