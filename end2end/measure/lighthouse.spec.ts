/** Runs Lighthouse on the main pages, as on a phone with a slow connection: `make lighthouse`. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { MEMBER } from '../support/demo.ts';
import { signIn, test } from '../support/fixtures.ts';
import { createTokens } from '../support/tokens.ts';

const LIGHTHOUSE = resolve(import.meta.dirname, '../lighthouse/node_modules/.bin/lighthouse');
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'] as const;
const TIMINGS = [
  'first-contentful-paint',
  'largest-contentful-paint',
  'total-blocking-time',
  'cumulative-layout-shift',
] as const;
/** Runs for each page. The table shows the run with the median performance. */
const RUNS = Number(process.env['LIGHTHOUSE_RUNS'] ?? 3);

/** `isPublic` pages come first, without a session. Only they are scored for SEO. */
const PAGES = [
  { name: 'Sign in', path: '/sign-in', isPublic: true },
  { name: 'Documentation', path: '/docs', isPublic: true },
  { name: 'API reference', path: '/docs/reference', isPublic: true },
  { name: 'Home', path: '/', isPublic: false },
  { name: 'Events', path: '/events', isPublic: false },
  { name: 'Developer Zone', path: '/developer-zone', isPublic: false },
];

interface Audit {
  title: string;
  score: number | null;
  displayValue?: string;
}

interface ConsoleErrors extends Audit {
  details?: { items: { description: string }[] };
}

interface Report {
  categories: Record<string, { score: number | null; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, Audit> & { 'errors-in-console'?: ConsoleErrors };
}

test('Lighthouse', async ({ server, playwright, launchOptions }, testInfo) => {
  test.setTimeout(1_800_000);
  await createTokens(server, 3);
  // Lighthouse opens its pages in this browser, which is signed in. A header with the cookie would not reach all requests.
  const profile = testInfo.outputPath('profile');
  const browser = await playwright.chromium.launchPersistentContext(profile, {
    ...launchOptions,
    args: [...(launchOptions.args ?? []), '--remote-debugging-port=0'],
    baseURL: server.url,
  });
  const [port] = (await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n');
  const rows = [
    '| page | performance | accessibility | best practices | SEO | first paint | largest paint | blocked | shift |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const findings: string[] = [];
  for (const { name, path, isPublic } of PAGES) {
    if (!isPublic) {
      await signIn(browser.request, MEMBER);
    }
    const reports: Report[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      reports.push(await measure(`${server.url}${path}`, port!));
    }
    reports.sort((one, other) => scoreOf(one, 'performance') - scoreOf(other, 'performance'));
    const report = reports[Math.floor(RUNS / 2)]!;
    const scores = CATEGORIES.map((category) =>
      category === 'seo' && !isPublic ? '–' : scoreOf(report, category),
    );
    const timings = TIMINGS.map((id) => report.audits[id]?.displayValue ?? '');
    rows.push(`| ${[name, ...scores, ...timings].join(' | ')} |`);
    const errors = report.audits['errors-in-console']?.details?.items ?? [];
    const found = [...shortcomings(report, isPublic), ...errors.map(({ description }) => description)];
    findings.push(...found.map((finding) => `${name}: ${finding}`));
  }
  await browser.close();
  console.log([...rows, '', ...findings].join('\n'));
});

/** One run with Lighthouse's default phone and its simulated slow 4G. */
async function measure(url: string, port: string): Promise<Report> {
  const { stdout } = await promisify(execFile)(
    LIGHTHOUSE,
    [
      url,
      '--output=json',
      '--quiet',
      `--only-categories=${CATEGORIES.join()}`,
      `--port=${port}`,
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return JSON.parse(stdout) as Report;
}

function scoreOf(report: Report, category: string): number {
  return Math.round((report.categories[category]?.score ?? NaN) * 100);
}

/** Audits that have weight in a category and score below 0.9. */
function shortcomings(report: Report, isPublic: boolean): string[] {
  return CATEGORIES.filter((category) => isPublic || category !== 'seo').flatMap((category) =>
    (report.categories[category]?.auditRefs ?? []).flatMap(({ id, weight }) => {
      const { title, score, displayValue = '' } = report.audits[id]!;
      const isMet = score === null || score >= 0.9;
      return weight === 0 || isMet ? [] : [`${category}: ${title} ${displayValue}`.trim()];
    }),
  );
}
