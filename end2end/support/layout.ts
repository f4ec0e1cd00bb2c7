/** Checks the layout: what does not fit at some width or with wider text, and what moves despite reduced motion. */

import { expect, type Page } from '@playwright/test';

/**
 * 320 px is the narrowest phone, and 1280 px at 400 % zoom (WCAG 2.2, 1.4.10). 768 px is the first width at which
 * tables are tables. 1280 px is a usual screen.
 */
const WIDTHS = [320, 768, 1280] as const;
/** 640 px is 1280 px at 200 % zoom. */
const EVERY_WIDTH = [320, 360, 640, 768, 1280, 1920] as const;
const HEIGHT = 800;

/** Texts that may be cut off, because the page has the whole text elsewhere. */
const MAY_BE_CUT_OFF = [
  // Its `title` attribute has the whole address.
  '.account-email',
  // The sidebar has the whole name.
  '.top-bar-organisation',
  // Shows the whole address on hover and focus.
  '.email',
  // The token's page has the whole name.
  '.token-link > span',
  // `Change values` shows all of it.
  '#values-summary',
].join();

/**
 * Expects that nothing scrolls sideways, overlaps the window's edge or is cut off. Scans with WCAG's wider text
 * spacing, because what fits then also fits without it. `everyWidth` scans further widths, also without the spacing.
 */
export async function expectFits(page: Page, everyWidth: boolean): Promise<void> {
  if (everyWidth) {
    for (const width of EVERY_WIDTH) {
      await page.setViewportSize({ width, height: HEIGHT });
      expect.soft(await misfits(page), `does not fit ${width} px`).toEqual([]);
    }
  }
  await setTextSpacing(page, true);
  for (const width of everyWidth ? EVERY_WIDTH : WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    expect.soft(await misfits(page), `does not fit ${width} px with wider text`).toEqual([]);
  }
  await setTextSpacing(page, false);
}

/** Everything that does not fit at the current width. */
export async function misfits(page: Page): Promise<string[]> {
  return [...(await scrollingSideways(page)), ...(await cutOff(page))];
}

/** The document and every scrollable element that scrolls sideways. Code may scroll sideways. */
export async function scrollingSideways(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const scrolls = (element: Element) =>
      element === document.documentElement ||
      (/auto|scroll/.test(getComputedStyle(element).overflowX) && !element.matches('pre, input, textarea, .code-example'));
    return [document.documentElement, ...document.querySelectorAll('body, body *')]
      .filter((element) => scrolls(element) && element.scrollWidth > element.clientWidth)
      .map((element) => `${element.tagName}.${element.className}: ${element.scrollWidth} px`);
  });
}

/** Elements whose text is wider than the element, taller than a box that hides the rest, or outside the window. */
async function cutOff(page: Page): Promise<string[]> {
  return page.evaluate((mayBeCutOff) => {
    /** Browsers round to whole pixels. */
    const ROUNDING = 1;
    const hasText = (element: Element) =>
      [...element.childNodes].some((node) => node instanceof Text && node.data.trim() !== '');
    const found: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      if (
        !hasText(element) ||
        element.closest(`${mayBeCutOff}, pre, textarea, option, script, svg`) ||
        !element.checkVisibility({ visibilityProperty: true })
      ) {
        continue;
      }
      const { overflowX, overflowY, clipPath } = getComputedStyle(element);
      if (clipPath === 'inset(50%)') {
        continue; // Visible to screen readers only.
      }
      const { left, right } = element.getBoundingClientRect();
      const inWindow = left >= -ROUNDING && right <= document.documentElement.clientWidth + ROUNDING;
      const isTooWide = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + ROUNDING;
      const isTooTall = /hidden|clip/.test(overflowY) && element.scrollHeight > element.clientHeight + ROUNDING;
      if (!inWindow || (isTooWide && !/auto|scroll/.test(overflowX)) || isTooTall) {
        const text = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 60);
        found.push(`${element.tagName}.${element.className}: “${text}” from ${left} to ${right} px`);
      }
    }
    return found;
  }, MAY_BE_CUT_OFF);
}

/**
 * Turns WCAG's wider text spacing on or off (WCAG 2.2, 1.4.12). The pages' Content-Security-Policy allows style sheets
 * that a script constructs.
 */
async function setTextSpacing(page: Page, spaced: boolean): Promise<void> {
  await page.evaluate((spaced) => {
    const sheet = new CSSStyleSheet();
    if (spaced) {
      sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }
        p { margin-block-end: 2em !important }
      `);
    }
    document.adoptedStyleSheets = [sheet];
  }, spaced);
}

/** Elements with a transition or animation longer than 10 ms. */
export async function moving(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const seconds = (list: string) => Math.max(...list.split(',').map(parseFloat));
    const found: string[] = [];
    for (const element of document.querySelectorAll('*')) {
      for (const part of [undefined, '::before', '::after', '::backdrop']) {
        const style = getComputedStyle(element, part);
        const isAnimated = style.animationName !== 'none' && seconds(style.animationDuration) > 0.01;
        if (isAnimated || seconds(style.transitionDuration) > 0.01) {
          found.push(`${element.tagName}.${element.getAttribute('class') ?? ''}${part ?? ''}`);
        }
      }
    }
    return found;
  });
}
