import { examplesOf, runExample } from '../support/examples.ts';
import { expect, test } from '../support/fixtures.ts';
import { createToken } from '../support/tokens.ts';

const PAGES = ['/docs', '/docs/authentication', '/docs/conventions', '/docs/errors', '/docs/reference'];

/**
 * A response without the changing parts: of a link when it expires, its token and its signature; cursors, because each
 * database signs its own.
 */
function comparable(response: string): unknown {
  const stable = response
    .replaceAll(/expires=\d+&token=\d+&signature=\w+/g, 'expires=…&token=…&signature=…')
    .replaceAll(/"nextCursor": ?"[\w-]+"/g, '"nextCursor": "…"');
  return JSON.parse(stable);
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
        expect(withResponse.filter((example) => example.language === language)).toHaveLength(9);
      }
    }
  }
});

test('the loops over pages end with an error if the API refuses the token', async ({ server }) => {
  const markdown = await (await fetch(`${server.url}/docs/conventions.md`)).text();
  const loops = examplesOf(markdown);
  expect(loops.map(({ language }) => language)).toEqual(['sh', 'python', 'javascript']);
  for (const { language, code } of loops) {
    const refused = expect.objectContaining({ stderr: expect.stringContaining('The API key is invalid.') });
    await expect(runExample(language, code, { API_TOKEN: 'invalid' }), language).rejects.toEqual(refused);
  }
});
