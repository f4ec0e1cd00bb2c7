/** Runs Lighthouse on the main pages, as on a phone with a slow connection: `make lighthouse`. */

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

import { MEMBER } from '../support/demo.ts';
import { test } from '../support/fixtures.ts';
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
const FLAGS = ['--headless=new', '--disable-quic', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];

/** `isPublic` pages need no sign-in. Only they are scored for SEO. */
const PAGES = [
  { name: 'Sign in', path: '/sign-in', isPublic: true },
  { name: 'Home', path: '/', isPublic: false },
  { name: 'Events', path: '/events', isPublic: false },
  { name: 'Developer Zone', path: '/developer-zone', isPublic: false },
  { name: 'Documentation', path: '/docs', isPublic: true },
  { name: 'API reference', path: '/docs/reference', isPublic: true },
];

interface Audit {
  title: string;
  score: number | null;
  displayValue?: string;
}

interface Report {
  categories: Record<string, { score: number | null; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<string, Audit>;
}

test('Lighthouse', async ({ server, signIn, context }) => {
  test.setTimeout(1_800_000);
  await createTokens(server, 3);
  await signIn(MEMBER);
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const rows = [
    '| page | performance | accessibility | best practices | SEO | first paint | largest paint | blocked | shift |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const findings: string[] = [];
  for (const { name, path, isPublic } of PAGES) {
    const reports: Report[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      reports.push(await measure(`${server.url}${path}`, isPublic ? {} : { cookie }));
    }
    reports.sort((one, other) => scoreOf(one, 'performance') - scoreOf(other, 'performance'));
    const report = reports[Math.floor(RUNS / 2)]!;
    const scores = CATEGORIES.map((category) =>
      category === 'seo' && !isPublic ? '–' : scoreOf(report, category),
    );
    const timings = TIMINGS.map((id) => report.audits[id]?.displayValue ?? '');
    rows.push(`| ${[name, ...scores, ...timings].join(' | ')} |`);
    findings.push(...shortcomings(report, isPublic).map((finding) => `${name}: ${finding}`));
  }
  console.log([...rows, '', ...findings].join('\n'));
});

/** One run with Lighthouse's default phone and its simulated slow 4G. */
async function measure(url: string, headers: Record<string, string>): Promise<Report> {
  const { stdout } = await promisify(execFile)(
    LIGHTHOUSE,
    [
      url,
      '--output=json',
      '--quiet',
      `--only-categories=${CATEGORIES.join()}`,
      `--chrome-flags=${FLAGS.join(' ')}`,
      `--extra-headers=${JSON.stringify(headers)}`,
    ],
    {
      env: { ...process.env, CHROME_PATH: process.env['CHROME'] ?? '/usr/bin/chromium-headless-shell' },
      maxBuffer: 64 * 1024 * 1024,
    },
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
