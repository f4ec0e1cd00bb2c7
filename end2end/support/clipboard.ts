/** Replaces the clipboard in tests: delayed, refusing or missing. Also reads the copied text. */

import type { Page } from '@playwright/test';

interface WaitingWindow {
  releaseClipboard(): void;
}

/** Delays each write to the clipboard, on pages opened from now on. Returns a function that releases the writes. */
export async function holdClipboard(page: Page): Promise<() => Promise<void>> {
  await page.addInitScript(() => {
    const { writeText } = Clipboard.prototype;
    const released = new Promise<void>((resolve) =>
      Object.assign(window, { releaseClipboard: resolve }),
    );
    Clipboard.prototype.writeText = async function (text) {
      await released;
      await writeText.call(this, text);
    };
  });
  return async () => page.evaluate(() => (window as unknown as WaitingWindow).releaseClipboard());
}

/** Makes each write to the clipboard fail, on pages opened from now on. */
export async function refuseClipboard(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Clipboard.prototype.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
}

/** Makes each write to the clipboard throw an error instead of returning one, on pages opened from now on. */
export async function brokenClipboard(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Clipboard.prototype.writeText = () => {
      throw new DOMException('no', 'NotAllowedError');
    };
  });
}

/** Takes the clipboard away from pages opened from now on, as over plain HTTP. */
export async function noClipboard(page: Page): Promise<void> {
  await page.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined });
  });
}

/** The text on the clipboard. Pastes it into another page, because our own pages may not read the clipboard. */
export async function clipboardText(page: Page): Promise<string> {
  const other = await page.context().newPage();
  await other.setContent('<textarea autofocus></textarea>');
  const field = other.locator('textarea');
  await field.press('ControlOrMeta+v');
  const text = await field.inputValue();
  await other.close();
  return text;
}
