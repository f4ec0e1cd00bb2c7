import type { Locator, Page } from '@playwright/test';

import { DOCUMENTATION, DocumentationPage } from '../pages/documentation.ts';
import { expectAccessible } from '../support/accessibility.ts';
import { clipboardText, holdClipboard, refuseClipboard } from '../support/clipboard.ts';
import { ADMIN, FIRST_STEPS, HARBOUR, OTHER } from '../support/demo.ts';
import { expect, selectOrganisation, test } from '../support/fixtures.ts';
import { scrollingSideways } from '../support/layout.ts';
import { CONNECTION_FAILED, failedToLoad } from '../support/requests.ts';
import { createToken } from '../support/tokens.ts';

const PING = 'curl -sS -H "X-API-Key: $API_TOKEN" \\\n  ';

/** Denies the page its local storage. */
const withoutStorage = (page: Page) =>
  page.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get: () => {
        throw new DOMException('closed', 'SecurityError');
      },
    });
  });

/** The reference is much longer than the other pages, so it has a test of its own. */
const isReference = ({ path }: { path: string }) => path === '/docs/reference';
for (const [what, pages] of [
  ['the reference is', DOCUMENTATION.filter(isReference)],
  ['all other pages are', DOCUMENTATION.filter((page) => !isReference(page))],
] as const) {
  test(`${what} accessible`, async ({ page }) => {
    for (const { path, heading } of pages) {
      const docs = new DocumentationPage(page);
      await page.goto(path);
      await expect(docs.heading).toHaveText(heading);
      await expect(docs.unseen).toHaveCount(0);
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
      const controls = page.getByRole('button').or(docs.theme).or(docs.search.field).or(docs.values.summary);
      await expect(controls).toHaveCount(0);
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
  // In one step, so that the heading is never in sight.
  await docs.main.getByRole('heading', { level: 2, name: 'Get an event', exact: true }).evaluate((heading) => {
    scrollTo({ top: heading.getBoundingClientRect().bottom + 200, behavior: 'instant' });
  });
  await expect(marked(docs.endpoints)).toHaveText('GET Get an event');
  await page.evaluate(() => scrollTo(0, 0));

  // The last sections are too short to reach the top of the window.
  await page.goto('/docs/errors');
  for (const section of ['When to try again', 'Asking for help']) {
    await docs.contents.getByRole('link', { name: section }).click();
    await expect(marked(docs.contents.getByRole('link'))).toHaveText(section);
  }
  await expect(marked(docs.endpoints)).toHaveCount(0);
});

test('a list that is higher than the window scrolls to its marked entry, and the page does not', async ({ page }) => {
  const docs = new DocumentationPage(page);
  await page.setViewportSize({ width: 1280, height: 260 });
  await page.goto('/docs/reference');
  for (const links of [docs.endpoints, docs.contents.getByRole('link')]) {
    await expect(links.last()).not.toBeInViewport();
  }
  await page.goto((await docs.endpoints.last().getAttribute('href')) ?? '');
  for (const links of [docs.endpoints, docs.contents.getByRole('link')]) {
    await expect(links.last()).toHaveAttribute('aria-current', 'location');
    await expect(links.last()).toBeInViewport();
  }
  await expect(docs.main.getByRole('heading', { level: 2 }).last()).toBeInViewport();
  await page.goto('/docs/changelog');
  await expect(docs.pages.last()).toBeInViewport();
  expect(await page.evaluate(() => scrollY)).toBe(0);
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

    await expect(docs.unseen).toHaveCount(0);
    // The examples above the pointer change their height.
    const tab = docs.examples.last().getByRole('tab', { name: 'JavaScript' });
    await tab.scrollIntoViewIfNeeded();
    const before = await tab.boundingBox();
    await tab.click();
    const after = await tab.boundingBox();
    expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  });

  test('can be chosen without local storage', async ({ page }) => {
    await withoutStorage(page);
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

    await docs.values.enter('12', '34');
    await block.copy.click();
    await expect(block.status).toHaveText('Copied');
    expect(await clipboardText(page)).toBe(copied.replace('/903/event/456/', '/12/event/34/'));
    await docs.values.change.click();
    await docs.values.forget.click();

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

/** How much of the page has moved by itself (W3C, Layout Instability). */
const moved = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const shift = (entry: PerformanceEntry) => (entry as PerformanceEntry & { value: number }).value;
        const observer = new PerformanceObserver((list) => {
          resolve(list.getEntries().reduce((sum, entry) => sum + shift(entry), 0));
        });
        observer.observe({ type: 'layout-shift', buffered: true });
        // Without any shift the observer is never called.
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(0)));
      }),
  );

test.describe('the values in the examples', () => {
  test('are those of the demo until the reader enters others, which all pages and tabs use', async ({
    page,
    context,
  }) => {
    const docs = new DocumentationPage(page);
    const { values } = docs;
    await page.goto('/docs');
    await expect(values.summary).toHaveText('Examples use the demo’s organisation 903 and event 456.');
    await expect(values.form).toBeHidden();
    const other = await context.newPage();
    await other.goto('/docs/clients');

    await values.enter('12', '34');
    await expect(values.form).toBeHidden();
    await expect(values.change).toBeFocused();
    await expect(values.change).toHaveAccessibleDescription('Examples use organisation 12 and event 34.');
    for (const each of [docs, new DocumentationPage(other)]) {
      await expect(each.values.summary).toHaveText('Examples use organisation 12 and event 34.');
      expect(new Set(await each.values.organisations.allTextContents())).toEqual(new Set(['12']));
      expect(new Set(await each.values.events.allTextContents())).toEqual(new Set(['34']));
    }
    await page.goto('/docs/reference');
    const ping = docs.examples.filter({ hasText: '/ping' }).locator('code').first();
    await expect(ping).toContainText('/api/v1/ext/12/event/34/ping');
    await page.goBack();
    await expect(values.summary).toHaveText('Examples use organisation 12 and event 34.');

    await values.change.press('Enter');
    await values.forget.press('Enter');
    for (const each of [docs, new DocumentationPage(other)]) {
      await expect(each.values.summary).toContainText('the demo’s organisation 903');
      expect(new Set(await each.values.organisations.allTextContents())).toEqual(new Set(['903']));
    }
    await values.change.press('Enter');
    await expect(values.forget).toBeHidden();
    await expect(values.organisation).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(values.form).toBeHidden();
    await expect(values.change).toBeFocused();
  });

  test('are whole numbers; anything else is refused beside its field', async ({ page }) => {
    const { values } = new DocumentationPage(page);
    await page.goto('/docs');
    await values.enter(' 12 ', '3.4');
    await expect(values.event).toBeFocused();
    await expect(values.event).toHaveAccessibleDescription('Enter a whole number from 1, such as 456.');
    await expect(values.event).toHaveAttribute('aria-invalid', 'true');
    await expect(values.organisation).toHaveAttribute('aria-invalid', 'false');
    for (const wrong of ['', '0', '-1', '1e3', '<b>', 'Summit Races (903)']) {
      await values.organisation.fill(wrong);
      await values.organisation.press('Enter');
      await expect(values.organisation).toBeFocused();
      await expect(values.organisation).toHaveAccessibleDescription('Enter a whole number from 1, such as 903.');
    }
    await expect(values.organisations.first()).toHaveText('903');
    await expectAccessible(page);
    await values.organisation.fill(' 12 ');
    await values.event.fill('34');
    await values.event.press('Enter');
    await expect(values.summary).toHaveText('Examples use organisation 12 and event 34.');

    // Another program of this origin may have stored anything.
    await page.evaluate(() => localStorage.setItem('documentation-values', '12 <img>'));
    await page.reload();
    await expect(values.summary).toContainText('the demo’s organisation 903');
  });

  test('can be entered without local storage', async ({ page }) => {
    await withoutStorage(page);
    const { values } = new DocumentationPage(page);
    await page.goto('/docs');
    await values.enter('12', '34');
    await expect(values.organisations.first()).toHaveText('12');
    await values.change.press('Enter');
    await values.forget.press('Enter');
    await expect(values.organisations.first()).toHaveText('903');
  });

  test('are those of a signed-in reader, and arrive without moving anything', async ({ page, signIn }) => {
    const docs = new DocumentationPage(page);
    const { values } = docs;
    await signIn(OTHER);
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto('/docs');
      await expect(values.summary).toHaveText('Examples use Harbour Events (904) and Harbour Regatta 2026 (556).');
      await expect(docs.example().block.code).toContainText('/api/v1/ext/904/event/556/ping');
      expect(await moved(page)).toBe(0);
    }
    await values.enter('12', '34');
    await page.reload();
    await expect(values.organisations.first()).toHaveText('12');
    await values.change.press('Enter');
    await values.forget.press('Enter');
    await expect(values.summary).toContainText('Harbour Events (904)');
    await expect(values.events.first()).toHaveText('556');
  });

  test('follow the session when the reader comes back to the tab', async ({ page, signIn, context }) => {
    const { values } = new DocumentationPage(page);
    const comeBack = () => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await signIn(ADMIN, HARBOUR);
    await page.goto('/docs');
    await expect(values.summary).toContainText('Harbour Events (904)');
    await selectOrganisation(context.request, FIRST_STEPS);
    await comeBack();
    await expect(values.summary).toHaveText('Examples use First Steps (907) and the demo’s event 456.');
    await context.clearCookies();
    await comeBack();
    await expect(values.summary).toContainText('the demo’s organisation 903');
    await expect(values.organisations.first()).toHaveText('903');
  });

  test('are asked for only if the dashboard has the origin of the page', async ({ page, signIn }) => {
    await signIn(OTHER);
    const { values } = new DocumentationPage(page);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.route('**/docs', async (route) => {
      const response = await route.fetch();
      const body = (await response.text()).replace('href="/">', 'href="https://dev.9pic.ai/">');
      await route.fulfill({ response, body });
    });
    await page.goto('/docs', { waitUntil: 'networkidle' });
    await expect(values.summary).toContainText('the demo’s organisation 903');
    expect(asked).not.toContain('/docs/values');
    await page.goto('/docs/errors', { waitUntil: 'networkidle' });
    await expect(values.summary).toHaveCount(0);
    expect(asked, 'a page without examples').not.toContain('/docs/values');
  });
});

test.describe('search', () => {
  const INDEX = '**/docs/search.json';

  test('is begun with /, and leads with the keyboard alone to a section or a row', async ({ page }) => {
    const docs = new DocumentationPage(page);
    const { field, results, selected, status } = docs.search;
    await page.goto('/docs/conventions');
    await page.keyboard.press('/');
    await expect(field).toBeFocused();
    await expect(field).toHaveAttribute('aria-expanded', 'false');
    await page.keyboard.type('token inactive');
    await expect(field).toHaveAttribute('aria-expanded', 'true');
    const count = await results.count();
    await expect(status).toHaveText(`${count} results`);
    await expect(results.first()).toHaveText(/^token_inactiveErrors › Every code403 /);
    await expect(results.first().locator('.search-title mark')).toHaveText(['token', 'inactive']);
    await expect(selected).toHaveCount(0);
    for (const [key, place] of [
      ['ArrowDown', 0],
      ['ArrowDown', 1],
      ['ArrowUp', 0],
      ['ArrowUp', -1],
      ['ArrowUp', count - 1],
      ['ArrowDown', -1],
      ['ArrowDown', 0],
    ] as const) {
      await page.keyboard.press(key);
      await expect(selected).toHaveCount(place < 0 ? 0 : 1);
      if (place >= 0) {
        const id = await results.nth(place).getAttribute('id');
        await expect(field).toHaveAttribute('aria-activedescendant', id ?? '');
        await expect(results.nth(place)).toHaveAttribute('aria-selected', 'true');
        await expect(results.nth(place)).toBeInViewport();
      }
    }
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/docs/errors#token_inactive');
    await expect(page.getByRole('row', { name: /^token_inactive/ })).toBeInViewport();

    // On the same page, and without arrow keys it is the first result.
    await page.keyboard.press('/');
    await page.keyboard.type('asking for help');
    await expect(results.first()).toBeVisible();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/docs/errors#asking-for-help');
    await expect(docs.main.getByRole('heading', { name: 'Asking for help' })).toBeInViewport();
    await expect(results).toHaveCount(0);
    await expect(field).not.toBeFocused();
  });

  test('Escape closes the results, then empties the field', async ({ page }) => {
    const { field, results } = new DocumentationPage(page).search;
    await page.goto('/docs');
    await field.fill('cursor');
    await expect(results.first()).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(results).toHaveCount(0);
    await expect(field).toHaveValue('cursor');
    await page.keyboard.press('ArrowDown');
    await expect(results.first()).toHaveAttribute('aria-selected', 'true');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await expect(field).toHaveValue('');
    await field.fill('cursor');
    await expect(results.first()).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(results.first()).toBeHidden();
  });

  test('finds beginnings of all words in any case and with accents: titles first, then places, then texts', async ({
    page,
  }) => {
    const { field, results } = new DocumentationPage(page).search;
    const titles = results.locator('.search-title');
    await page.goto('/docs/errors');
    for (const [words, title] of [
      ['errors', 'Errors'],
      ['ÈRRÔRS', 'Errors'],
      ['rate_lim', 'rate_limited'],
      ['change feed', 'Change feed'],
      ['orig links', 'Get links to original photos'],
      ['mirror nightly', 'Run it each night'],
    ] as const) {
      await field.fill(words);
      await expect(titles.first(), words).toHaveText(title);
    }
    await field.fill('retry');
    await expect(results.first()).toBeVisible();
    for (const result of await results.all()) {
      await expect(result.locator('mark').first()).toHaveText(/^retry/i);
    }
    await field.fill('token xyz');
    await expect(results).toHaveCount(0);
  });

  test('without a result it says what to do', async ({ page }) => {
    const { field, results, status } = new DocumentationPage(page).search;
    await page.goto('/docs');
    await field.fill('marathon shoes');
    const none = 'Nothing found for “marathon shoes”. Try fewer or other words.';
    await expect(status).toHaveText(none);
    await expect(page.locator('.search-message')).toHaveText(none);
    await expect(results).toHaveCount(0);
    await expect(field).toHaveAttribute('aria-expanded', 'false');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/docs');
  });

  test('loads its index when it is first wanted, says so meanwhile, and tries again after a failure', async ({
    page,
    pageErrors,
  }) => {
    pageErrors.allow(CONNECTION_FAILED);
    pageErrors.allow(failedToLoad(503));
    const { field, results, status, tryAgain } = new DocumentationPage(page).search;
    let requests = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(INDEX, async (route) => {
      requests += 1;
      if (requests === 1) {
        await route.abort('connectionreset');
      } else if (requests === 2) {
        await route.fulfill({ status: 503 });
      } else {
        await held;
        await route.fallback();
      }
    });
    await page.goto('/docs', { waitUntil: 'networkidle' });
    expect(requests).toBe(0);
    await page.keyboard.press('/');
    await page.keyboard.type('cursor');
    await expect(status).toHaveText('The search could not be loaded. Check your connection, then try again.');
    await page.keyboard.press('Enter');
    await expect.poll(() => requests).toBe(2);
    await expect(tryAgain).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(tryAgain).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(status).toHaveText('Loading the search…');
    await expect(field).toBeFocused();
    await expect(tryAgain).toBeHidden();
    release();
    await expect(results.first()).toBeVisible();
    await expect(status).toHaveText(/results$/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    await field.focus();
    await field.fill('bib');
    await expect(results.first()).toBeVisible();
    expect(requests).toBe(3);
  });

  test('its results are accessible, and fit a phone', async ({ page }) => {
    const docs = new DocumentationPage(page);
    const { field, results } = docs.search;
    await page.goto('/docs/reference');
    await expect(docs.unseen).toHaveCount(0);
    await field.fill('token');
    await expect(results).toHaveCount(20);
    await page.keyboard.press('ArrowDown');
    await expectAccessible(page);
    await expect(results.first()).toBeVisible();
  });

  test('/ is no shortcut in a field, with a modifier, or if the reader has turned shortcuts off', async ({ page }) => {
    const docs = new DocumentationPage(page);
    const { field } = docs.search;
    await page.goto('/docs');
    await docs.theme.press('/');
    await expect(docs.theme).toBeFocused();
    await docs.skipLink.press('Control+/');
    await expect(docs.skipLink).toBeFocused();
    await docs.skipLink.press('/');
    await expect(field).toBeFocused();
    await page.keyboard.type('a/b');
    await expect(field).toHaveValue('a/b');
    // As the dashboard stores it.
    await page.evaluate(() => localStorage.setItem('shortcuts-off', '1'));
    await page.reload();
    await docs.skipLink.press('/');
    await expect(docs.skipLink).toBeFocused();
  });

  test('nothing moves when the page appears', async ({ page }) => {
    for (const width of [320, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await page.goto('/docs/errors');
      await expect(new DocumentationPage(page).search.field).toBeVisible();
      expect(await moved(page)).toBe(0);
    }
  });
});

test('on a phone the header has a line for the title and one for search and theme', async ({ page }) => {
  const docs = new DocumentationPage(page);
  const middle = async (locator: Locator) => {
    const box = await locator.boundingBox();
    return Math.round((box?.y ?? NaN) + (box?.height ?? NaN) / 2);
  };
  for (const width of [320, 390]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto('/docs');
    const title = page.getByRole('link', { name: '9Pic API documentation' });
    expect(Math.abs((await middle(docs.dashboard)) - (await middle(title)))).toBeLessThan(4);
    expect(Math.abs((await middle(docs.search.field)) - (await middle(docs.theme)))).toBeLessThan(4);
    expect(await middle(docs.search.field)).toBeGreaterThan(await middle(title));
  }
});
