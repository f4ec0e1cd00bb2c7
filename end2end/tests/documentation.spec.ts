import { Documentation, DOCUMENTATION } from '../pages/documentation.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { clipboardText, holdClipboard } from '../support/clipboard.ts';
import { expect, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

const PING = 'curl -sS -H "X-API-Key: $API_TOKEN" \\\n  ';

for (const { path, name, heading } of DOCUMENTATION) {
  test(`${name} is accessible in light and dark, wide and narrow`, async ({ page }) => {
    // The reference is long, and axe looks at all of it four times.
    test.slow();
    await page.goto(path);
    await expect(new Documentation(page).heading).toHaveText(heading);
    await expectAccessible(page);
  });

  test(`${name} is there without script, and without signing in`, async ({ openContext }) => {
    const context = await openContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const docs = new Documentation(page);
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
    expect(await context.cookies()).toEqual([]);
  });
}

test('the navigation leads through all pages, and back to the dashboard', async ({ page }) => {
  const docs = new Documentation(page);
  await page.goto('/docs');
  for (const { path, name, heading } of DOCUMENTATION.toReversed()) {
    await docs.navigation.getByRole('link', { name, exact: true }).click();
    await expect(page).toHaveURL(path);
    await expect(docs.heading).toHaveText(heading);
  }
  await docs.dashboard.click();
  await expect(page).toHaveURL(/\/sign-in/);
});

test('each page can be read as Markdown, and by tools', async ({ page, request }) => {
  const docs = new Documentation(page);
  for (const { path, heading } of DOCUMENTATION) {
    await page.goto(path);
    await expect(docs.asMarkdown).toHaveAttribute('href', `${path}.md`);
    const markdown = await request.get(`${path}.md`);
    expect(markdown.headers()['content-type']).toBe('text/markdown; charset=utf-8');
    expect(await markdown.text()).toMatch(new RegExp(`^# ${heading}\n`));
    const address = await docs.openApi.getAttribute('href');
    const openApi = await request.get(address ?? '');
    expect(await openApi.json()).toHaveProperty('paths');
  }
});

test('the skip link leads to the text', async ({ page }) => {
  const docs = new Documentation(page);
  await page.goto('/docs/errors');
  await page.keyboard.press('Tab');
  await expect(docs.skipLink).toBeFocused();
  await expect(docs.skipLink).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(docs.main).toBeFocused();
});

test('a link to a code leads to its row', async ({ page }) => {
  await page.goto('/docs/authentication');
  await page.getByRole('cell').getByRole('link', { name: 'plan_required' }).click();
  await expect(page).toHaveURL('/docs/errors#plan_required');
  await expect(page.getByRole('row', { name: /^plan_required/ })).toBeInViewport();
});

test('an endpoint can be linked to: from the list of sections, and by its heading', async ({ page }) => {
  const docs = new Documentation(page);
  await page.goto('/docs/reference');
  await docs.contents.getByRole('link').last().click();
  const title = await docs.contents.getByRole('link').last().innerText();
  const heading = docs.main.getByRole('heading', { level: 2, name: title, exact: true });
  await expect(heading).toBeInViewport();
  await heading.getByRole('link').click();
  expect(new URL(page.url()).hash).toBe(`#${await heading.getAttribute('id')}`);
});

test('the expression for scanners finds a token wherever it stands', async ({ page, server }) => {
  const token = await createToken(server);
  await page.goto('/docs/authentication');
  const block = new Documentation(page).block('9Pic[');
  const expression = new RegExp(await block.code.innerText());
  for (const text of [token, `KEY=${token}\n`, `{"key": "${token}"}`]) {
    expect(expression.exec(text)?.[0] === token, 'finds exactly the token').toBe(true);
  }
  expect(expression.test(token.slice(1)), 'finds nothing shorter').toBe(false);
});

test.describe('languages', () => {
  test('are tabs that one goes through by arrow keys, Home and End', async ({ page }) => {
    const example = new Documentation(page).example();
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

  test('are chosen once: for all examples, the other pages and the next visit', async ({ page, context }) => {
    const docs = new Documentation(page);
    await page.goto('/docs');
    await docs.example(1).tab('Python').click();
    for (const group of await docs.examples.all()) {
      await expect(group.getByRole('tab', { selected: true })).toHaveText('Python');
    }
    await page.goto('/docs/reference');
    await expect(docs.example().selected).toHaveText('Python');
    const later = await context.newPage();
    await later.goto('/docs');
    await expect(new Documentation(later).example().selected).toHaveText('Python');
  });

  test('can be chosen where the browser keeps nothing for us', async ({ page }) => {
    await page.addInitScript(() => {
      Object.defineProperty(window, 'localStorage', {
        get: () => {
          throw new DOMException('closed', 'SecurityError');
        },
      });
    });
    const example = new Documentation(page).example();
    await page.goto('/docs');
    await example.tab('JavaScript').click();
    await expect(example.selected).toHaveText('JavaScript');
  });

  test('do not move from under the pointer when examples above change their height', async ({ page }) => {
    const { examples } = new Documentation(page);
    await page.goto('/docs/reference');
    const tab = examples.last().getByRole('tab', { name: 'Python' });
    await tab.scrollIntoViewIfNeeded();
    const before = await tab.boundingBox();
    await tab.click();
    const after = await tab.boundingBox();
    expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  });
});

test.describe('copying', () => {
  test.use({ permissions: ['clipboard-write'] });

  test('takes the code as it stands, and says so once the clipboard has it', async ({ page }) => {
    const letTheClipboardAccept = await holdClipboard(page);
    const { block } = new Documentation(page).example();
    await page.goto('/docs');
    await block.copy.click();
    await expect(block.status).toBeEmpty();
    await letTheClipboardAccept();
    await expect(block.status).toHaveText('Copied');
    const copied = await clipboardText(page);
    expect(copied).toBe(await block.code.innerText());
    expect(copied).toContain(PING);
  });

  test('takes an answer too', async ({ page }) => {
    const block = new Documentation(page).block('"pong"');
    await page.goto('/docs');
    await block.copy.click();
    await expect(block.status).toHaveText('Copied');
    const copied = JSON.parse(await clipboardText(page));
    expect(copied).toMatchObject({ message: 'pong', data: { org_id: 903, event_id: 456 } });
  });
});

test('a browser that refuses copying leaves the code selected, and says how to go on', async ({ page }) => {
  await page.addInitScript(() => {
    Clipboard.prototype.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  });
  const { block } = new Documentation(page).example();
  await page.goto('/docs');
  await block.copy.click();
  await expect(block.status).toContainText('Ctrl+C');
  expect(await page.evaluate(() => getSelection()?.toString())).toBe(await block.code.innerText());
});

test('code that is wider than a phone scrolls by itself, by keyboard too', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  const { block } = new Documentation(page).example();
  await page.goto('/docs');
  await block.code.focus();
  const scrolled = () => block.code.evaluate((code) => code.scrollLeft);
  expect(await scrolled()).toBe(0);
  await page.keyboard.press('ArrowRight');
  await expect.poll(scrolled).toBeGreaterThan(0);
});
