import type { Locator } from '@playwright/test';

import { DOCUMENTATION, DocumentationPage } from '../pages/documentation.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { clipboardText, holdClipboard, refuseClipboard } from '../support/clipboard.ts';
import { expect, test } from '../support/fixtures.ts';
import { scrollingSideways } from '../support/layout.ts';
import { failedToLoad } from '../support/requests.ts';
import { createToken } from '../support/tokens.ts';

const PING = 'curl -sS -H "X-API-Key: $API_TOKEN" \\\n  ';

/** The reference is much longer than the other pages, so it has a test of its own. */
const isReference = ({ path }: { path: string }) => path === '/docs/reference';
for (const [what, pages] of [
  ['the reference is', DOCUMENTATION.filter(isReference)],
  ['all other pages are', DOCUMENTATION.filter((page) => !isReference(page))],
] as const) {
  test(`${what} accessible`, async ({ page }) => {
    for (const { path, heading } of pages) {
      await page.goto(path);
      await expect(new DocumentationPage(page).heading).toHaveText(heading);
      await test.step(path, () => expectAccessible(page));
    }
  });
}

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('each page is complete, needs no sign-in and sets no cookie', async ({ page, context }) => {
    const docs = new DocumentationPage(page);
    for (const { path, name, heading } of DOCUMENTATION) {
      await page.goto(path);
      await expect(page).toHaveTitle(`${name} · 9Pic API`);
      await expect(docs.heading).toHaveText(heading);
      await expect(docs.pages).toHaveText(DOCUMENTATION.map((entry) => entry.name));
      await expect(docs.endpoints.first()).toHaveText('GET List the organisation’s events');
      await expect(page.locator('[aria-current]')).toHaveText([name]);
      for (const group of await docs.examples.all()) {
        await expect(group.getByRole('heading')).toHaveText(['cURL', 'Python', 'JavaScript']);
        for (const code of await group.locator('pre').all()) {
          await expect(code).toBeVisible();
        }
      }
      await expect(page.getByRole('button').or(docs.theme)).toHaveCount(0);
    }
    expect(await context.cookies()).toEqual([]);
  });

  test('the code of each page is that of its Markdown, whatever its colours', async ({ page, request }) => {
    for (const { path } of DOCUMENTATION) {
      await page.goto(path);
      const markdown = await (await request.get(`${path}.md`)).text();
      const printed = [...markdown.matchAll(/^```.*\n([\s\S]*?)\n```$/gm)].map(([, code]) => code);
      expect(await page.locator('pre').allTextContents(), path).toEqual(printed);
      const hasColours = (await page.locator('pre span').count()) > 0;
      expect(hasColours, path).toBe(printed.length > 0);
    }
  });

  test('the navigation of a phone is closed, and opens', async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    const docs = new DocumentationPage(page);
    await page.goto('/docs/errors');
    await expect(docs.pages.first()).toBeHidden();
    await docs.menu.click();
    await docs.endpoints.last().click();
    await expect(page).toHaveURL(/\/docs\/reference#/);
    await expect(docs.pages.first()).toBeHidden();
  });
});

test('each page leads to the next and the previous one', async ({ page }) => {
  const docs = new DocumentationPage(page);
  await page.goto('/docs');
  await expect(docs.previous).toHaveCount(0);
  for (const { path, name } of DOCUMENTATION.slice(1)) {
    await expect(docs.next).toHaveText(`Next ${name}`);
    await docs.next.click();
    await expect(page).toHaveURL(path);
  }
  await expect(docs.next).toHaveCount(0);
  for (const { path, name } of DOCUMENTATION.slice(0, -1).toReversed()) {
    await expect(docs.previous).toHaveText(`Previous ${name}`);
    await docs.previous.click();
    await expect(page).toHaveURL(path);
  }
});

test('a link to an endpoint leads to its section, and the section being read is marked', async ({ page }) => {
  const docs = new DocumentationPage(page);
  const marked = (links: Locator) => links.and(page.locator('[aria-current="location"]'));
  await page.goto('/docs');
  for (const name of ['GET Get an event', 'POST Get links to original photos']) {
    await docs.endpoints.filter({ hasText: name }).click();
    await expect(marked(docs.endpoints)).toHaveText(name);
    const section = name.replace(/^\w+ /, '');
    await expect(marked(docs.contents.getByRole('link'))).toHaveText(section);
    await expect(docs.main.getByRole('heading', { level: 2, name: section, exact: true })).toBeInViewport();
  }
  await page.evaluate(() => scrollTo(0, 0));
  await expect(marked(docs.endpoints)).toHaveCount(0);

  // The last sections are too short to reach the top of the window.
  await page.goto('/docs/errors');
  for (const section of ['When to try again', 'Asking for help']) {
    await docs.contents.getByRole('link', { name: section }).click();
    await expect(marked(docs.contents.getByRole('link'))).toHaveText(section);
  }
  await expect(marked(docs.endpoints)).toHaveCount(0);
});

test('the example of an endpoint stands beside its description on a wide screen, and below it on others', async ({
  page,
}) => {
  const docs = new DocumentationPage(page);
  const top = async (locator: Locator) => (await locator.first().boundingBox())?.y ?? NaN;
  const description = docs.main.getByRole('heading', { name: 'Parameters' });
  await page.goto('/docs/reference');
  expect(await top(docs.examples)).toBeGreaterThan(await top(description));
  await page.setViewportSize({ width: 1920, height: 1080 });
  expect(await top(docs.examples)).toBeLessThan(await top(description));
  const width = await docs.main.getByRole('article').boundingBox();
  expect(width?.width).toBeGreaterThan(1400);
  expect(await scrollingSideways(page)).toEqual([]);
});

test('the theme is that of the system until the reader chooses one, which later pages keep', async ({ page }) => {
  const docs = new DocumentationPage(page);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/docs');
  await expect(docs.theme).toHaveValue('system');
  const dark = await background();
  await docs.theme.selectOption('Light');
  const light = await background();
  expect(light).not.toBe(dark);
  await page.goto('/docs/errors');
  await expect(docs.theme).toHaveValue('light');
  expect(await background()).toBe(light);

  await page.emulateMedia({ colorScheme: 'light' });
  await docs.theme.selectOption('Dark');
  expect(await background()).toBe(dark);
  await docs.theme.selectOption('System');
  await page.reload();
  await expect(docs.theme).toHaveValue('system');
  expect(await background()).toBe(light);
});

test('forced colours replace the colours of code', async ({ page }) => {
  await page.goto('/docs/conventions');
  const colours = () =>
    page.evaluate(() => {
      const pieces = [...document.querySelectorAll('pre code, pre span')];
      return new Set(pieces.map((piece) => getComputedStyle(piece).color)).size;
    });
  expect(await colours()).toBeGreaterThan(4);
  await page.emulateMedia({ forcedColors: 'active' });
  expect(await colours()).toBe(1);
});

test('an unknown page is a 404 that is accessible and leads to all pages', async ({ page, pageErrors }) => {
  pageErrors.allow(failedToLoad(404));
  const docs = new DocumentationPage(page);
  const response = await page.goto('/docs/no-such-page');
  expect(response?.status()).toBe(404);
  await expect(page).toHaveTitle('Page not found · 9Pic API');
  await expectAccessible(page);
  for (const links of [docs.pages, docs.main.getByRole('link')]) {
    await expect(links).toHaveText(DOCUMENTATION.map(({ name }) => name));
  }
  await docs.main.getByRole('link', { name: 'Errors' }).click();
  await expect(docs.heading).toHaveText('Errors');
});

test('the navigation leads to each page, with its Markdown and the OpenAPI document, and to the dashboard', async ({
  page,
  request,
}) => {
  const docs = new DocumentationPage(page);
  await page.goto('/docs');
  for (const { path, name, heading } of DOCUMENTATION.toReversed()) {
    await docs.pages.filter({ hasText: name }).click();
    await expect(page).toHaveURL(path);
    await expect(docs.heading).toHaveText(heading);
    await expect(docs.asMarkdown).toHaveAttribute('href', `${path}.md`);
    const address = await docs.openApi.getAttribute('href');
    const openApi = await request.get(address ?? '');
    expect(await openApi.json()).toHaveProperty('paths');
  }
  await docs.dashboard.click();
  await expect(page).toHaveURL(/\/sign-in/);
});

test('the skip link leads to the text, and links lead to sections and rows', async ({ page }) => {
  const docs = new DocumentationPage(page);
  await page.goto('/docs/errors');
  await page.keyboard.press('Tab');
  await expect(docs.skipLink).toBeFocused();
  await expect(docs.skipLink).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(docs.main).toBeFocused();

  await page.goto('/docs/authentication');
  await page.getByRole('cell').getByRole('link', { name: 'plan_required' }).click();
  await expect(page).toHaveURL('/docs/errors#plan_required');
  await expect(page.getByRole('row', { name: /^plan_required/ })).toBeInViewport();

  await page.goto('/docs/reference');
  await docs.contents.getByRole('link').last().click();
  const title = await docs.contents.getByRole('link').last().innerText();
  const heading = docs.main.getByRole('heading', { level: 2, name: title, exact: true });
  await expect(heading).toBeInViewport();
  await heading.getByRole('link').click();
  expect(new URL(page.url()).hash).toBe(`#${await heading.getAttribute('id')}`);
});

test('the regular expression for secret scanners finds a token in any text', async ({ page, server }) => {
  const token = await createToken(server);
  await page.goto('/docs/authentication');
  const block = new DocumentationPage(page).block('9Pic[');
  const expression = new RegExp(await block.code.innerText());
  for (const text of [token, `KEY=${token}\n`, `{"key": "${token}"}`]) {
    expect(expression.exec(text)?.[0] === token, 'finds exactly the token').toBe(true);
  }
  expect(expression.test(token.slice(1)), 'finds nothing shorter').toBe(false);
});

test.describe('languages', () => {
  test('are tabs, moved through with arrow keys, Home and End', async ({ page }) => {
    const example = new DocumentationPage(page).example();
    await page.goto('/docs');
    await expect(example.tabs).toHaveText(['cURL', 'Python', 'JavaScript']);
    await expect(example.selected).toHaveText('cURL');
    await expect(example.panel).toHaveAccessibleName('cURL');
    await expect(example.block.code).toContainText(PING);
    await example.selected.focus();
    for (const [key, name, code] of [
      ['ArrowRight', 'Python', 'import urllib.request'],
      ['ArrowRight', 'JavaScript', 'await fetch('],
      ['ArrowRight', 'cURL', PING],
      ['ArrowLeft', 'JavaScript', 'await fetch('],
      ['Home', 'cURL', PING],
      ['End', 'JavaScript', 'await fetch('],
    ] as const) {
      await page.keyboard.press(key);
      await expect(example.tab(name)).toBeFocused();
      await expect(example.selected).toHaveText(name);
      await expect(example.panel).toHaveCount(1);
      await expect(example.block.code).toContainText(code);
    }
    await page.keyboard.press('Tab');
    await expect(example.block.copy).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(example.block.code).toBeFocused();
  });

  test('are chosen once for all examples, pages and visits, and do not move under the pointer', async ({
    page,
    context,
  }) => {
    const docs = new DocumentationPage(page);
    await page.goto('/docs');
    await docs.example(1).tab('Python').click();
    for (const group of await docs.examples.all()) {
      await expect(group.getByRole('tab', { selected: true })).toHaveText('Python');
    }
    await page.goto('/docs/reference');
    await expect(docs.example().selected).toHaveText('Python');
    const later = await context.newPage();
    await later.goto('/docs');
    await expect(new DocumentationPage(later).example().selected).toHaveText('Python');

    // The examples above the pointer change their height.
    const tab = docs.examples.last().getByRole('tab', { name: 'JavaScript' });
    await tab.scrollIntoViewIfNeeded();
    const before = await tab.boundingBox();
    await tab.click();
    const after = await tab.boundingBox();
    expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  });

  test('can be chosen without local storage', async ({ page }) => {
    await page.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('closed', 'SecurityError');
        },
      });
    });
    const example = new DocumentationPage(page).example();
    await page.goto('/docs');
    await example.tab('JavaScript').click();
    await expect(example.selected).toHaveText('JavaScript');
  });
});

test.describe('copying', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('takes code and responses as printed, and says Copied once the clipboard has them', async ({ page }) => {
    const releaseClipboard = await holdClipboard(page);
    const docs = new DocumentationPage(page);
    const { block } = docs.example();
    await page.goto('/docs');
    await block.copy.click();
    await expect(block.status).toBeEmpty();
    await releaseClipboard();
    await expect(block.status).toHaveText('Copied');
    const copied = await clipboardText(page);
    expect(copied).toBe(await block.code.innerText());
    expect(copied).toContain(PING);

    const response = docs.block('"pong"');
    await response.copy.click();
    await expect(response.status).toHaveText('Copied');
    const json = JSON.parse(await clipboardText(page));
    expect(json).toMatchObject({ message: 'pong', data: { org_id: 903, event_id: 456 } });
  });
});

test('if the browser refuses to copy, the code is selected and the page says how to copy it', async ({
  page,
}) => {
  await refuseClipboard(page);
  const { block } = new DocumentationPage(page).example();
  await page.goto('/docs');
  await block.copy.click();
  await expect(block.status).toContainText('Ctrl+C');
  expect(await page.evaluate(() => getSelection()?.toString())).toBe(await block.code.innerText());
});

test('code that is wider than a phone scrolls on its own, also by keyboard', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const { block } = new DocumentationPage(page).example();
  await page.goto('/docs');
  await block.code.focus();
  const scrolled = () => block.code.evaluate((code) => code.scrollLeft);
  expect(await scrolled()).toBe(0);
  await page.keyboard.press('ArrowRight');
  await expect.poll(scrolled).toBeGreaterThan(0);
});
