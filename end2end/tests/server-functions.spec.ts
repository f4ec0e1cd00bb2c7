import { type APIRequestContext, type APIResponse, request as playwright } from '@playwright/test';

import { previewOf } from '../pages/developer-zone.ts';
import { EVENT, FIRST_STEPS, HARBOUR, MEMBER, OTHER, SUMMIT, TRIAL } from '../support/demo.ts';
import { expect, signIn, test as base } from '../support/fixtures.ts';
import { createToken, createTokens, type ListedToken, listTokens } from '../support/tokens.ts';

/** Somebody with a program of their own: no page, and cookies of whoever they signed in as. */
type Caller = (email?: string) => Promise<APIRequestContext>;

const test = base.extend<{ caller: Caller; victim: ListedToken }>({
  caller: async ({ server }, use) => {
    const callers: APIRequestContext[] = [];
    await use(async (email) => {
      const caller = await playwright.newContext({ baseURL: server.url, maxRedirects: 0 });
      callers.push(caller);
      if (email) {
        await signIn(caller, email);
      }
      return caller;
    });
    await Promise.all(callers.map((caller) => caller.dispose()));
  },
  /** An active token of 903. */
  victim: async ({ server }, use) => {
    await createToken(server);
    await use((await listTokens(server))[0]!);
  },
});

function call(
  caller: APIRequestContext,
  name: string,
  data: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<APIResponse> {
  return caller.post(`/api/dashboard/${name}`, { data, headers });
}

/** Everything that can be asked about a token of 903. */
function requestsOn(victim: ListedToken): [name: string, data: Record<string, unknown>][] {
  const organisation_id = SUMMIT;
  return [
    ['watch-tokens', { organisation_id }],
    ['create-token', { organisation_id }],
    ['watch-tokens', { organisation_id }],
    ['set-token-active', { organisation_id, token_id: victim.id, active: false }],
    ['rename-token', { organisation_id, token_id: victim.id, name: 'Mine' }],
    ['delete-token', { organisation_id, token_id: victim.id }],
    ['test-connection', { organisation_id, event_id: EVENT, secret: victim.token }],
  ];
}

test('a member can do it all, so that the refusals below mean something', async ({
  caller,
  server,
  victim,
}) => {
  const member = await caller(MEMBER);
  for (const [name, data] of requestsOn(victim)) {
    expect((await call(member, name, data)).status(), name).toBe(200);
  }
  const tokens = await listTokens(server);
  expect(tokens.map(({ id }) => id)).not.toContain(victim.id);
});

test('a member of another organisation can neither see nor touch a token', async ({
  caller,
  server,
  victim,
}) => {
  const before = await listTokens(server);
  const other = await caller(OTHER);
  for (const [name, data] of requestsOn(victim)) {
    const answer = await call(other, name, data);
    expect(answer.status(), name).toBe(403);
    expect(await answer.text(), name).toBe('"NotAMember"');
  }
  expect(await listTokens(server)).toEqual(before);
});

test('a token cannot be reached through one’s own organisation either', async ({
  caller,
  server,
  victim,
}) => {
  const before = await listTokens(server);
  const other = await caller(OTHER);
  const [organisation_id, token_id] = [HARBOUR, victim.id];
  for (const [name, data] of [
    ['set-token-active', { organisation_id, token_id, active: false }],
    ['rename-token', { organisation_id, token_id, name: 'Mine' }],
    ['delete-token', { organisation_id, token_id }],
  ] as const) {
    const answer = await call(other, name, data);
    expect(answer.status(), name).toBe(404);
    expect(await answer.json(), name).toEqual({ NoSuchToken: victim.id });
  }
  expect(await listTokens(server)).toEqual(before);
});

test('an organisation that does not exist answers as one that one is not in', async ({ caller }) => {
  const other = await caller(OTHER);
  const answers = await Promise.all(
    [SUMMIT, 999_999].map(async (organisation_id) => {
      const answer = await call(other, 'watch-tokens', { organisation_id });
      return [answer.status(), await answer.text()];
    }),
  );
  expect(answers[1]).toEqual(answers[0]);
});

test('a locked plan cannot see or create tokens, hand-made request or not', async ({
  caller,
  server,
}) => {
  const trial = await caller(TRIAL);
  for (const name of ['watch-tokens', 'create-token']) {
    const answer = await call(trial, name, { organisation_id: FIRST_STEPS });
    expect(answer.status(), name).toBe(403);
    expect(await answer.text(), name).toContain('PlanRequired');
    expect(await answer.text(), name).not.toContain('secret');
  }
  expect(await listTokens(server, FIRST_STEPS)).toEqual([]);
});

test('a plan that was lowered closes every request on the organisation’s tokens', async ({
  caller,
  server,
  victim,
}) => {
  const member = await caller(MEMBER);
  await server.cli('organisation', 'set-plan', '--id', `${SUMMIT}`, '--plan', 'pay-as-you-go');
  for (const [name, data] of requestsOn(victim).slice(0, 2)) {
    expect((await call(member, name, data)).status(), name).toBe(403);
  }
});

test('without a session, or with a made-up one, everything is 401 and nothing happens', async ({
  caller,
  server,
  victim,
}) => {
  const before = await listTokens(server);
  const nobody = await caller();
  const madeUp: Record<string, string> = { Cookie: 'session=AAAAAAAAAAAAAAAAAAAAAA' };
  for (const headers of [{}, madeUp]) {
    for (const [name, data] of requestsOn(victim)) {
      const answer = await call(nobody, name, data, headers);
      expect(answer.status(), name).toBe(401);
      expect(await answer.text(), name).toBe('"SessionEnded"');
    }
    const select = await nobody.post('/api/dashboard/select-organisation', {
      form: { organisation_id: SUMMIT },
      headers,
    });
    expect([401, 303]).toContain(select.status());
  }
  expect(await listTokens(server)).toEqual(before);
});

test('nobody can select an organisation that they are not in', async ({ caller }) => {
  const other = await caller(OTHER);
  const answer = await other.post('/api/dashboard/select-organisation', {
    form: { organisation_id: SUMMIT },
  });
  expect(answer.status()).toBe(403);
  const page = await (await other.get('/developer-zone')).text();
  expect(page).toContain('Harbour Events (904)');
  expect(page).not.toContain('Summit Races');
});

for (const [where, headers] of [
  ['another site', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors' }],
  ['a sibling host', { 'Sec-Fetch-Site': 'same-site' }],
  ['another origin, in a browser too old to say more', { Origin: 'https://evil.example' }],
  ['an origin that hides', { Origin: 'null' }],
] as const) {
  test(`a request that comes from ${where} is refused and changes nothing`, async ({
    caller,
    server,
    victim,
  }) => {
    const before = await listTokens(server);
    const member = await caller(MEMBER);
    for (const [name, data] of requestsOn(victim)) {
      expect((await call(member, name, data, headers)).status(), name).toBe(403);
    }
    for (const [name, form] of [
      ['sign-in', { email: OTHER, password: 'developer-zone-demo' }],
      ['sign-out', {}],
      ['select-organisation', { organisation_id: SUMMIT }],
    ] as const) {
      const answer = await member.post(`/api/dashboard/${name}`, { form, headers });
      expect(answer.status(), name).toBe(403);
      expect(answer.headers()['set-cookie'], name).toBeUndefined();
    }
    expect(await listTokens(server)).toEqual(before);
    expect((await member.get('/events')).status(), 'still signed in').toBe(200);
  });
}

test('a form on another site that a person is made to send has no effect', async ({
  context,
  signIn,
  server,
  collector,
}) => {
  collector.allow(/^request outside the origin: http:\/\/evil\.example/);
  collector.allow(/^console error: Failed to load resource: .*status of 403/);
  await signIn(MEMBER);
  const page = await context.newPage();
  await page.route('http://evil.example/', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!DOCTYPE html><title>A gift</title><link rel="icon" href="data:,">
        <form method="post" action="${server.url}/api/dashboard/sign-out"><button>Take it</button></form>`,
    }),
  );
  await page.goto('http://evil.example/');
  await page.getByRole('button', { name: 'Take it' }).click();
  await expect(page).toHaveURL(/sign-out$/);
  await page.goto('/events');
  await expect(page).toHaveURL('/events');
});

test('GET on a server function has no effect', async ({ caller, server, victim }) => {
  const before = await listTokens(server);
  const member = await caller(MEMBER);
  for (const [name, data] of [...requestsOn(victim), ['sign-out', {}] as const]) {
    const query = new URLSearchParams(
      Object.entries(data).map(([key, value]) => [key, String(value)]),
    );
    const answer = await member.get(`/api/dashboard/${name}?${query}`);
    expect([404, 405], name).toContain(answer.status());
    expect(await answer.text(), name).not.toContain('secret');
  }
  expect(await listTokens(server)).toEqual(before);
  expect((await member.get('/events')).status(), 'still signed in').toBe(200);
});

test('a server function is no page: GET without a session does not lead through sign-in to it', async ({
  caller,
}) => {
  const nobody = await caller();
  for (const name of ['watch-tokens', 'create-token', 'sign-out']) {
    const answer = await nobody.get(`/api/dashboard/${name}`);
    expect([401, 404, 405], name).toContain(answer.status());
  }
});

test('a body that does not fit is refused as such, and tells nothing of the insides', async ({
  caller,
  server,
}) => {
  const member = await caller(MEMBER);
  for (const [name, data] of [
    ['watch-tokens', {}],
    ['create-token', { organisation_id: 'x' }],
    ['set-token-active', { organisation_id: SUMMIT, token_id: 1, active: 'maybe' }],
    ['rename-token', { organisation_id: SUMMIT, token_id: 1 }],
    ['delete-token', { organisation_id: SUMMIT, token_id: {} }],
  ] as const) {
    const answer = await call(member, name, data);
    expect(answer.status(), name).toBe(400);
    expect(await answer.text(), name).toBe('"BadRequest"');
  }
  const huge = await call(member, 'watch-tokens', { organisation_id: SUMMIT, x: 'x'.repeat(70_000) });
  expect(huge.status()).toBe(413);
  expect(await listTokens(server)).toEqual([]);
});

test('twenty creations at once: ten tokens, and ten callers are told of the limit', async ({
  caller,
  server,
}) => {
  const member = await caller(MEMBER);
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call(member, 'create-token', { organisation_id: SUMMIT })),
  );
  const made = answers.filter((answer) => answer.status() === 200);
  const refused = answers.filter((answer) => answer.status() === 409);
  expect([made.length, refused.length]).toEqual([10, 10]);
  for (const answer of refused) {
    expect(await answer.text()).toBe('"TokenLimitReached"');
  }
  const secrets = await Promise.all(made.map(async (answer) => (await answer.json()).secret as string));
  expect(new Set(secrets).size).toBe(10);
  const listed = (await listTokens(server)).map(({ token }) => token);
  expect(listed.toSorted()).toEqual(secrets.map(previewOf).toSorted());
});

test('a list of tokens holds nothing but what the table shows', async ({ caller, server }) => {
  const tokens = await createTokens(server, 2);
  const member = await caller(MEMBER);
  const answer = await call(member, 'watch-tokens', { organisation_id: SUMMIT });
  const { rows } = (await answer.json()) as { rows: Record<string, object>[] };
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    expect(Object.keys(row).toSorted()).toEqual(['is_idle', 'token', 'week_bar']);
    const columns = ['created_at', 'created_by', 'id', 'last_used', 'name', 'preview', 'status'];
    expect(Object.keys(row.token!).toSorted()).toEqual(columns);
  }
  for (const token of tokens) {
    expect(await answer.text()).not.toContain(token.slice(0, 6));
  }
});
