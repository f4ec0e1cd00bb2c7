import { DOCUMENTATION, DocumentationPage } from '../pages/documentation.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { clipboardText, holdClipboard, refuseClipboard } from '../support/clipboard.ts';
import { expect, test } from '../support/fixtures.ts';
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
      await expect(docs.navigation.getByRole('link')).toHaveText(DOCUMENTATION.map((entry) => entry.name));
      await expect(docs.navigation.locator('[aria-current="page"]')).toHaveText(name);
      for (const group of await docs.examples.all()) {
        await expect(group.getByRole('heading')).toHaveText(['cURL', 'Python', 'JavaScript']);
        for (const code of await group.locator('pre').all()) {
          await expect(code).toBeVisible();
        }
      }
      await expect(page.getByRole('button')).toHaveCount(0);
    }
    expect(await context.cookies()).toEqual([]);
  });
});

test('the navigation leads to each page, with its Markdown and the OpenAPI document, and to the dashboard', async ({
  page,
  request,
}) => {
  const docs = new DocumentationPage(page);
  await page.goto('/docs');
  for (const { path, name, heading } of DOCUMENTATION.toReversed()) {
    await docs.navigation.getByRole('link', { name, exact: true }).click();
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
