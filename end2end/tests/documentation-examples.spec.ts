import { isLanguage, type Language, runExample } from '../support/examples.ts';
import { expect, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

const PAGES = ['/docs', '/docs/authentication', '/docs/conventions', '/docs/errors', '/docs/reference'];

interface Example {
  language: Language;
  code: string;
  /** The response that the page prints after the examples, if there is one. */
  response: string | undefined;
}

/** The examples of a page, each with the response that follows its group. */
function examplesOf(markdown: string): Example[] {
  const fences = [...markdown.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)];
  return fences.flatMap(([, language = '', code = ''], place) => {
    if (!isLanguage(language)) {
      return [];
    }
    const next = fences.slice(place + 1).find(([, other = '']) => !isLanguage(other));
    const response = next?.[1] === 'json' ? next[2] : undefined;
    return [{ language, code, response }];
  });
}

/** A response without the changing parts of a link: when it expires, its token, and its signature. */
function comparable(response: string): unknown {
  return JSON.parse(response.replaceAll(/expires=\d+&token=\d+&signature=\w+/g, 'expires=…&token=…&signature=…'));
}

test('each example runs as printed and gives the printed response, in three languages for each endpoint', async ({
  server,
}) => {
  const token = await createToken(server);
  for (const page of PAGES) {
    const markdown = await fetch(`${server.url}${page}.md`);
    expect(markdown.status).toBe(200);
    const examples = examplesOf(await markdown.text());
    for (const { language, code, response } of examples) {
      await test.step(`${page}, ${language}: ${code}`, async () => {
        const printed = await runExample(language, code, { API_TOKEN: token });
        if (response !== undefined) {
          expect.soft(comparable(printed)).toEqual(comparable(response));
        }
      });
    }
    if (page === '/docs/reference') {
      const withResponse = examples.filter(({ response }) => response !== undefined);
      for (const language of ['sh', 'python', 'javascript']) {
        expect(withResponse.filter((example) => example.language === language)).toHaveLength(8);
      }
    }
  }
});
