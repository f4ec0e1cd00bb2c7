/** Whether what is on the page fits: at every width, zoomed, with text set wider, and without motion. */

import { expect, type Page } from '@playwright/test';

/** From the narrowest phone (and 1280 px at 400 %, WCAG 2.2, 1.4.10) over 1280 px at 200 % (640) to a wide screen. */
const WIDTHS = [320, 360, 640, 768, 1280, 1920] as const;
/** Where text that is set wider is likeliest to find no room: cards, the first width of tables, the usual one. */
const SPACED_WIDTHS = [320, 768, 1280] as const;
const HEIGHT = 800;

/** What may be wider than its place: cut short on purpose, with the whole at hand elsewhere. */
const CUT_SHORT = [
  // The title has all of it.
  '.account-email',
].join();

/** Nothing scrolls sideways, sticks out or is cut off, at any width and with WCAG's spacing of text. */
export async function expectFits(page: Page): Promise<void> {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    expect.soft(await misfits(page), `does not fit ${width} px`).toEqual([]);
  }
  await spaceText(page, true);
  for (const width of SPACED_WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    expect.soft(await misfits(page), `does not fit ${width} px with wider text`).toEqual([]);
  }
  await spaceText(page, false);
}

/** All that is wrong with where things stand. */
export async function misfits(page: Page): Promise<string[]> {
  return [...(await scrollingSideways(page)), ...(await cutOff(page))];
}

/** The document, and every dialog or list in it, that is wider than its place. Code may be. */
export async function scrollingSideways(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const scrolls = (element: Element) =>
      element === document.documentElement ||
      (/auto|scroll/.test(getComputedStyle(element).overflowX) && !element.matches('pre, input, textarea'));
    return [document.documentElement, ...document.querySelectorAll('body, body *')]
      .filter((element) => scrolls(element) && element.scrollWidth > element.clientWidth)
      .map((element) => `${element.tagName}.${element.className}: ${element.scrollWidth} px`);
  });
}

/** Elements whose words are wider than they are, taller than what hides the rest, or beyond the window's edge. */
async function cutOff(page: Page): Promise<string[]> {
  return page.evaluate((cutShort) => {
    /** Rounding to whole pixels. */
    const SLACK = 1;
    const hasWords = (element: Element) =>
      [...element.childNodes].some((node) => node instanceof Text && node.data.trim() !== '');
    const found: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      if (
        !hasWords(element) ||
        element.closest(`${cutShort}, pre, textarea, option, script, svg`) ||
        !element.checkVisibility({ visibilityProperty: true })
      ) {
        continue;
      }
      const { overflowX, overflowY, clipPath } = getComputedStyle(element);
      if (clipPath === 'inset(50%)') {
        continue; // For ears only.
      }
      const { left, right } = element.getBoundingClientRect();
      const inWindow = left >= -SLACK && right <= document.documentElement.clientWidth + SLACK;
      const isTooWide = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + SLACK;
      const isTooTall = /hidden|clip/.test(overflowY) && element.scrollHeight > element.clientHeight + SLACK;
      if (!inWindow || (isTooWide && !/auto|scroll/.test(overflowX)) || isTooTall) {
        const words = element.textContent.trim().replace(/\s+/g, ' ').slice(0, 60);
        found.push(`${element.tagName}.${element.className}: “${words}” from ${left} to ${right} px`);
      }
    }
    return found;
  }, CUT_SHORT);
}

/** The spacing that nothing may be lost with (WCAG 2.2, 1.4.12). The page's policy allows a sheet that script makes. */
async function spaceText(page: Page, spaced: boolean): Promise<void> {
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

/** What moves all the same where motion is not wanted: transitions and animations longer than a blink. */
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
