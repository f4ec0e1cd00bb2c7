import { isLanguage, type Language, runExample } from '../support/examples.ts';
import { expect, test } from '../support/fixtures.ts';
import { createTokens } from '../support/tokens.ts';

const PAGES = ['/docs', '/docs/authentication', '/docs/conventions', '/docs/errors', '/docs/reference'];

interface Example {
  language: Language;
  code: string;
  /** What the page says it prints: the answer that follows, if one does. */
  answer: string | undefined;
}

/** The examples of a page, each with the answer that stands after its group. */
function examplesOf(markdown: string): Example[] {
  const fences = [...markdown.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)];
  return fences.flatMap(([, language = '', code = ''], place) => {
    if (!isLanguage(language)) {
      return [];
    }
    const next = fences.slice(place + 1).find(([, other = '']) => !isLanguage(other));
    const answer = next?.[1] === 'json' ? next[2] : undefined;
    return [{ language, code, answer }];
  });
}

/** An answer without what differs each time: when a link ends, and its signature. */
function comparable(answer: string): unknown {
  return JSON.parse(answer.replaceAll(/expires=\d+&signature=[\w-]+/g, 'expires=…&signature=…'));
}

for (const page of PAGES) {
  test(`each example on ${page} runs as it is printed, and gives what the page says`, async ({
    server,
  }) => {
    test.setTimeout(120_000);
    const [token] = await createTokens(server, 1);
    const markdown = await fetch(`${server.url}${page}.md`);
    expect(markdown.status).toBe(200);
    for (const { language, code, answer } of examplesOf(await markdown.text())) {
      await test.step(`${language}: ${code}`, async () => {
        const printed = await runExample(language, code, { API_TOKEN: token! });
        if (answer !== undefined) {
          expect(comparable(printed)).toEqual(comparable(answer));
        }
      });
    }
  });
}

test('there are examples in three languages for each of the eight endpoints', async ({ server }) => {
  const markdown = await (await fetch(`${server.url}/docs/reference.md`)).text();
  const examples = examplesOf(markdown);
  for (const language of ['sh', 'python', 'javascript']) {
    const ofLanguage = examples.filter((example) => example.language === language);
    expect(ofLanguage).toHaveLength(8);
    expect(ofLanguage.every((example) => example.answer !== undefined)).toBe(true);
  }
});
