/** What proxies do to a document on its way, and what extensions do to it in the browser. */

import type { Page } from '@playwright/test';

/** Changes the HTML of the dashboard's pages on its way. */
export async function changeHtml(page: Page, change: (html: string) => string): Promise<void> {
  await page.route(/\/(developer-zone|events|account)[^.]*$/, async (route) => {
    if (route.request().resourceType() !== 'document' || route.request().method() !== 'GET') {
      return route.fallback();
    }
    const response = await route.fetch({ maxRedirects: 0 });
    await route.fulfill({ response, body: change(await response.text()) });
  });
}

export const withoutComments = (html: string) => html.replace(/<!--.*?-->|<!>/gs, '');

export const withoutSpaceBetweenTags = (html: string) => html.replace(/>\s+</g, '><');

/** As Cloudflare rewrites addresses: in text, not in attributes. */
export const withoutEmails = (html: string) =>
  html.replace(
    /(>[^<]*?)[\w.]+@example\.com/g,
    '$1<a href="/cdn-cgi/l/email-protection" class="__cf_email__" data-cfemail="0a">[email&#160;protected]</a>',
  );

/** Wraps each text in two elements, as Google Translate does, now and whenever text appears. */
export function translate(): void {
  const translateIn = (root: Node) => {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found: Text[] = [];
    while (texts.nextNode()) {
      const text = texts.currentNode as Text;
      if (text.data.trim() && !text.parentElement?.closest('script, style, textarea, font, [translate=no]')) {
        found.push(text);
      }
    }
    for (const text of found) {
      const [outer, inner] = [document.createElement('font'), document.createElement('font')];
      inner.textContent = text.data;
      outer.append(inner);
      text.replaceWith(outer);
    }
  };
  translateIn(document.body);
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        const root = node instanceof Element ? node : node.parentElement;
        if (root?.isConnected) {
          translateIn(root);
        }
      }
    }
  }).observe(document.body, { childList: true, subtree: true });
}

/** Adds styles, attributes and elements of its own, as password managers and dark modes do. */
export function decorate(): void {
  document.documentElement.setAttribute('data-darkreader-mode', 'dynamic');
  for (const parent of [document.head, document.body, ...document.querySelectorAll('.card, td, form')]) {
    parent.append(Object.assign(document.createElement('span'), { className: 'extension' }));
  }
  document.head.append(document.createElement('style'));
  document.body.prepend(document.createElement('style'));
  for (const field of document.querySelectorAll('input')) {
    field.setAttribute('data-lpignore', 'true');
    field.after(document.createElement('com-1password-button'));
  }
}

/** Removes the first row of the table, as a filter of unwanted content does. */
export function removeRow(): void {
  document.querySelector('tbody tr')?.remove();
}

/** Removes an element that the page's script needs. */
export function removeSwitcher(): void {
  document.querySelector('.switcher')?.remove();
}
