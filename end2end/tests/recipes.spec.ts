import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { examplesOf, type Language, type Running, startProgram } from '../support/examples.ts';
import { expect, test as base } from '../support/fixtures.ts';
import { Relay } from '../support/relay.ts';
import type { TestServer } from '../support/server.ts';
import { createToken } from '../support/tokens.ts';

const EVENT = ['903', '456'];

/** Each program that mirrors an event, and a number of photos. The shell starts several programs for each photo. */
const MIRRORS = [
  ['python', 'mirror.py', 80],
  ['javascript', 'mirror.mjs', 300],
  ['sh', 'mirror.sh', 16],
] as const;

const SEARCHES = [
  ['python', 'search.py'],
  ['javascript', 'search.mjs'],
  ['sh', 'search.sh'],
] as const;

/** A photo of the event, and the content of its original if it has one. */
interface Photo {
  id: string;
  original: string | undefined;
  bibs: string[];
}

/** The programs of the page, saved in a folder with the server's originals. They call the API through the relay. */
class Recipes {
  private constructor(
    readonly server: TestServer,
    readonly relay: Relay,
    readonly folder: string,
    readonly token: string,
  ) {}

  static async save(server: TestServer, relay: Relay, folder: string): Promise<Recipes> {
    relay.target = server.url;
    const page = await fetch(`${server.url}/docs/recipes.md`);
    const examples = examplesOf(await page.text());
    const names = ['mirror.sh', 'mirror.py', 'mirror.mjs', 'nightly.sh', 'search.sh', 'search.py', 'search.mjs'];
    expect(examples).toHaveLength(names.length);
    for (const [place, { code }] of examples.entries()) {
      await writeFile(join(folder, names[place] ?? ''), code);
    }
    return new Recipes(server, relay, folder, await createToken(server));
  }

  start(language: Language, name: string, args: string[], variables: Record<string, string> = {}): Running {
    return startProgram(language, [join(this.folder, name), ...args], { API_TOKEN: this.token, ...variables });
  }

  /** Mirrors the event. The folder is named after the program. */
  mirror(language: Language, name: string, variables: Record<string, string> = {}): Running {
    return this.start(language, name, [...EVENT, this.mirrored(name)], variables);
  }

  private mirrored(name: string): string {
    return join(this.folder, `copy of ${name}`);
  }

  /** Makes these photos, and no others, those of the event. */
  async replace(name: string, photos: Photo[]): Promise<void> {
    const lines = photos.map(async ({ id, original, bibs }) => {
      const path = `${original}.JPG`;
      const file = join(this.folder, 'originals', path);
      // A program may be reading a file that is there already.
      if (original !== undefined && !existsSync(file)) {
        await writeFile(file, original);
      }
      const address = `https://images.example.com/${encodeURIComponent(id)}.jpg`;
      return JSON.stringify({
        image_id: id,
        img_url: address,
        thumbnail_url: address,
        original_path: original === undefined ? null : path,
        bibs,
      });
    });
    const file = join(this.folder, `${name}.jsonl`);
    await writeFile(file, (await Promise.all(lines)).join('\n'));
    const [organisation = '', event = ''] = EVENT;
    await this.server.cli('event', 'import', '--organisation', organisation, '--event', event, '--replace', file);
  }

  /** Each photo in the mirror: its id, its bib numbers and its original. */
  async copied(name: string): Promise<Photo[]> {
    const photos = join(this.mirrored(name), 'photos');
    const copies = (await readdir(photos)).map(async (home) => {
      const files = await readdir(join(photos, home));
      const record = JSON.parse(await readFile(join(photos, home, 'photo.json'), 'utf8'));
      expect(home).toBe(encodeURIComponent(record.photo.image_id).replaceAll('.', '%2E'));
      const originals = files.filter((file) => file !== 'photo.json');
      expect(originals).toEqual(record.original === null ? [] : [`${home}.original.JPG`]);
      const original = originals[0] && (await readFile(join(photos, home, originals[0]), 'utf8'));
      return { id: record.photo.image_id, original, bibs: record.photo.bibs };
    });
    return sorted(await Promise.all(copies));
  }
}

function sorted(photos: Photo[]): Photo[] {
  return photos.toSorted((one, next) => (one.id < next.id ? -1 : 1));
}

/** The photos of an event before and after an import: some removed, unchanged, with another bib or original, added. */
function photosBeforeAndAfter(count: number): [Photo[], Photo[]] {
  const photo = (number: number, version: string): Photo => ({
    id: `Ä ${number}/a.b`,
    original: number % 10 === 0 ? undefined : `${version}_${number}`,
    bibs: [`${number}`],
  });
  const before = Array.from({ length: count }, (_, number) => photo(number, 'first'));
  const kept = before.slice(count / 4);
  const after = kept.map((old, place) => {
    const changed = [old, { ...old, bibs: ['1'] }, photo(place + count / 4, 'second')];
    return changed[place % changed.length] ?? old;
  });
  const added = Array.from({ length: count / 4 }, (_, number) => photo(count + number, 'second'));
  return [before, [...after, ...added]];
}

const test = base.extend<{ relay: Relay; folder: string; recipes: Recipes }>({
  relay: async ({}, use) => {
    const relay = await Relay.start();
    await use(relay);
    relay.stop();
  },
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'recipes-'));
    await mkdir(join(folder, 'originals'));
    await use(folder);
    await rm(folder, { recursive: true });
  },
  serverOptions: async ({ relay, folder }, use) => {
    await use({ args: ['--api-url', relay.url, '--originals-folder', join(folder, 'originals')] });
  },
  recipes: async ({ server, relay, folder }, use) => use(await Recipes.save(server, relay, folder)),
});

const COMPLETE = { code: 0, stdout: '', stderr: '' };
const REFUSED = { code: 1, stdout: '', stderr: expect.stringContaining('refused: 403 token_invalid') };

test('a mirror that is killed in the middle ends with exactly the photos and originals that exist', async ({
  recipes,
  relay,
}) => {
  const [before, after] = photosBeforeAndAfter(300);
  await recipes.replace('before', before);
  const held = relay.holdAfter(100);
  const killed = recipes.mirror('python', 'mirror.py');
  await held;
  killed.kill();
  expect(await killed.ended).toMatchObject({ code: null });
  relay.resume();
  const beforeEnd = relay.holdAfter(20);
  const next = recipes.mirror('python', 'mirror.py');
  await beforeEnd;
  const replacing = recipes.replace('after', after);
  relay.resume();
  expect(await next.ended).toEqual(COMPLETE);
  await replacing;
  expect(await recipes.mirror('python', 'mirror.py').ended).toEqual(COMPLETE);
  expect(await recipes.copied('mirror.py')).toEqual(sorted(after));
  const { downloads } = relay;
  expect(await recipes.mirror('python', 'mirror.py').ended).toEqual(COMPLETE);
  expect(relay.downloads, 'of originals that are there already').toBe(downloads);
});

for (const [language, name, count] of MIRRORS) {
  test(`${name} copies what changed, in spite of a busy service and broken connections`, async ({
    recipes,
    relay,
  }) => {
    const [before, after] = photosBeforeAndAfter(count);
    for (const [version, photos] of Object.entries({ before, after })) {
      await recipes.replace(version, photos);
      relay.faults = [429, 503, 'break', 429];
      const { code } = await recipes.mirror(language, name).ended;
      expect(code).toBe(0);
      expect(relay.faults).toEqual([]);
      expect(await recipes.copied(name)).toEqual(sorted(photos));
    }
  });
}

test('each program prints the code of a refusal on standard error and ends with 1', async ({ recipes }) => {
  for (const [language, name] of MIRRORS) {
    const refused = await recipes.mirror(language, name, { API_TOKEN: 'invalid' }).ended;
    expect(refused, name).toMatchObject(REFUSED);
  }
  for (const [language, name] of SEARCHES) {
    const refused = await recipes.start(language, name, ['1234'], { API_TOKEN: 'invalid' }).ended;
    expect(refused, name).toMatchObject(REFUSED);
  }
});

test('a search finds photos although the service is busy first, and nothing for an unknown bib number', async ({
  recipes,
  relay,
}) => {
  for (const [language, name] of SEARCHES) {
    relay.faults = [429, 503];
    const found = await recipes.start(language, name, ['1234']).ended;
    expect(found, name).toMatchObject({ code: 0, stdout: expect.stringContaining('IMG_0003') });
    expect(relay.faults).toEqual([]);
    const nothing = await recipes.start(language, name, ['no/such bib']).ended;
    expect(nothing, name).toEqual({ code: 0, stdout: '', stderr: '' });
  }
});

test('a nightly run ends with 75 while the run before works, and with the exit code of the mirror', async ({
  recipes,
  relay,
  folder,
}) => {
  const file = join(folder, 'token');
  await writeFile(file, `${recipes.token}\n`);
  await chmod(file, 0o600);
  const [before] = photosBeforeAndAfter(8);
  await recipes.replace('before', before);
  const run = () => recipes.mirror('sh', 'nightly.sh', { TOKEN_FILE: file });
  const held = relay.holdAfter(1);
  const first = run();
  await held;
  expect(await run().ended).toMatchObject({ code: 75 });
  relay.resume();
  expect(await first.ended).toEqual(COMPLETE);
  expect(await recipes.copied('nightly.sh')).toEqual(sorted(before));
  await writeFile(file, 'invalid\n');
  expect(await run().ended).toMatchObject(REFUSED);
});
