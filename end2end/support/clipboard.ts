/** A clipboard that takes its time, so that what is said before it has accepted can be seen. */

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
