/** The clipboard: what is on it, and one that takes its time, so that what is said before can be seen. */

import type { Page } from '@playwright/test';

interface Held {
  letTheClipboardAccept(): void;
}

/** Holds back what pages opened from now on write to the clipboard. Gives what lets it through. */
export async function holdClipboard(page: Page): Promise<() => Promise<void>> {
  await page.addInitScript(() => {
    const { writeText } = Clipboard.prototype;
    const accepted = new Promise<void>((resolve) =>
      Object.assign(window, { letTheClipboardAccept: resolve }),
    );
    Clipboard.prototype.writeText = async function (text) {
      await accepted;
      await writeText.call(this, text);
    };
  });
  return async () => page.evaluate(() => (window as unknown as Held).letTheClipboardAccept());
}

/** What is on the clipboard, found as a person finds it: pasted elsewhere. Our own pages may not read it. */
export async function clipboardText(page: Page): Promise<string> {
  const elsewhere = await page.context().newPage();
  await elsewhere.setContent('<textarea autofocus></textarea>');
  const field = elsewhere.locator('textarea');
  await field.press('ControlOrMeta+v');
  const text = await field.inputValue();
  await elsewhere.close();
  return text;
}
