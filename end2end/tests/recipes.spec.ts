import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
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
  ['javascript', 'mirror.mjs', 80],
  ['sh', 'mirror.sh', 24],
] as const;

/** A number of photos for a run by hand, in place of those above. CONTRIBUTING.md has the command. */
const PHOTOS = process.env['RECIPE_PHOTOS'];

/** How many of the originals pass before each kill during one import. */
const SHARES_BEFORE_KILLS = [1 / 1000, 1 / 16, 1 / 32];

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
    await this.import(await this.prepare(name, photos));
  }

  /** Writes the originals, and a file for `import`. Returns the file. */
  async prepare(name: string, photos: Photo[]): Promise<string> {
    const lines = [];
    for (const { id, original, bibs } of photos) {
      const path = `${original}.JPG`;
      const file = join(this.folder, 'originals', path);
      // A program may be reading a file that is there already.
      if (original !== undefined && !existsSync(file)) {
        await writeFile(file, original);
      }
      const address = `https://images.example.com/${encodeURIComponent(id)}.jpg`;
      const photo = {
        image_id: id,
        img_url: address,
        thumbnail_url: address,
        original_path: original === undefined ? null : path,
        bibs,
      };
      lines.push(JSON.stringify(photo));
    }
    const file = join(this.folder, `${name}.jsonl`);
    await writeFile(file, lines.join('\n'));
    return file;
  }

  /** Makes the photos of the file, and no others, those of the event. */
  async import(file: string): Promise<void> {
    const [organisation = '', event = ''] = EVENT;
    await this.server.cli('event', 'import', '--organisation', organisation, '--event', event, '--replace', file);
  }

  /** Each photo in the mirror: its id, its bib numbers and its original. */
  async copied(name: string): Promise<Photo[]> {
    const photos = join(this.mirrored(name), 'photos');
    const copies = [];
    // Compared together: each call of `expect` takes some milliseconds.
    const names: string[] = [];
    const expectedNames: string[] = [];
    for (const home of await readdir(photos)) {
      const files = await readdir(join(photos, home));
      const record = JSON.parse(await readFile(join(photos, home, 'photo.json'), 'utf8'));
      const originals = files.filter((file) => file !== 'photo.json');
      names.push(home, ...originals);
      const name = encodeURIComponent(record.photo.image_id).replaceAll('.', '%2E');
      expectedNames.push(name, ...(record.original === null ? [] : [`${name}.original.JPG`]));
      const original = originals[0] && (await readFile(join(photos, home, originals[0]), 'utf8'));
      copies.push({ id: record.photo.image_id, original, bibs: record.photo.bibs });
    }
    expect(names).toEqual(expectedNames);
    return sorted(copies);
  }

  /** How much there is of the only original that is not complete. */
  async arrived(name: string): Promise<number> {
    const photos = join(this.mirrored(name), 'photos');
    const files = existsSync(photos) ? await readdir(photos, { recursive: true }) : [];
    const part = files.find((file) => file.endsWith('part'));
    return part === undefined ? 0 : (await stat(join(photos, part))).size;
  }

  /** Makes the mirror what it was before the original got its name. */
  async makePart(name: string, id: string): Promise<void> {
    const home = join(this.mirrored(name), 'photos', id);
    const { original, etag } = JSON.parse(await readFile(join(home, 'photo.json'), 'utf8'));
    const [part, beside, text] =
      name === 'mirror.sh'
        ? ['curl.part', 'curl.part.head', `HTTP/1.1 200 OK\r\nETag: ${etag}\r\n`]
        : ['part', 'part.etag', etag];
    await rename(join(home, original), join(home, part));
    await writeFile(join(home, beside), text);
    await rm(join(home, 'photo.json'));
    await rm(join(this.mirrored(name), 'cursor'));
  }

  /** Writes an original that is some megabyte long, also over an earlier one. Returns its content. */
  async writeLarge(name: string, version: string): Promise<string> {
    const content = Array.from({ length: 80_000 }, (_, line) => `${version} ${line}\n`).join('');
    await writeFile(join(this.folder, 'originals', `${name}.JPG`), content);
    return content;
  }
}

/** Starts the program and kills it after so many more originals. If it ends before, it is started again. */
async function killAfter(relay: Relay, downloads: number, start: () => Running): Promise<void> {
  const held = relay.holdAfter(downloads);
  for (;;) {
    const program = start();
    const ended = await Promise.race([held, program.ended]);
    if (!ended) {
      await program.kill();
      relay.resume();
      return;
    }
    expect(ended).toEqual(COMPLETE);
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

for (const [language, name, usual] of MIRRORS) {
  const count = Number(PHOTOS ?? usual);
  test(`${name}, killed again and again during imports, ends with exactly the photos and originals`, async ({
    recipes,
    relay,
  }, testInfo) => {
    if (PHOTOS !== undefined) {
      testInfo.setTimeout(0);
    }
    const began = Date.now();
    const [before, after] = photosBeforeAndAfter(count);
    // While one import runs, the program is killed, started again, and killed again.
    const imports = [before.slice(0, count / 4), before.slice(0, count / 2), before, after];
    let running = 0;
    let killedDuringImports = 0;
    let imported = Promise.resolve();
    for (const [number, photos] of imports.entries()) {
      const file = await recipes.prepare(`import ${number}`, photos);
      await imported;
      running += 1;
      imported = recipes.import(file).finally(() => (running -= 1));
      for (const share of SHARES_BEFORE_KILLS) {
        await killAfter(relay, count * share, () => recipes.mirror(language, name));
        killedDuringImports += running;
      }
    }
    expect((await recipes.mirror(language, name).ended).code).toBe(0);
    await imported;
    expect((await recipes.mirror(language, name).ended).code).toBe(0);
    expect(await recipes.copied(name)).toEqual(sorted(after));
    const { downloads, requests } = relay;
    expect(await recipes.mirror(language, name).ended).toEqual(COMPLETE);
    expect(relay.downloads, 'of originals that are there already').toBe(downloads);
    if (PHOTOS !== undefined) {
      const seconds = Math.round((Date.now() - began) / 1000);
      const kills = SHARES_BEFORE_KILLS.length * imports.length;
      console.log(name, { photos: after.length, kills, killedDuringImports, requests, downloads, seconds });
    }
  });

  test(`${name} fetches only the rest of an original after a break, and after its own end`, async ({
    recipes,
    relay,
  }) => {
    const original = await recipes.writeLarge('large', 'first');
    await recipes.replace('large', [{ id: 'IMG', original: 'large', bibs: [] }]);
    const first = relay.holdInTheMiddle();
    const program = recipes.mirror(language, name);
    const breakOff = await first;
    await expect.poll(() => recipes.arrived(name)).toBeGreaterThan(0);
    const second = relay.holdInTheMiddle();
    breakOff();
    const end = await second;
    const [start = Number.NaN] = relay.rests;
    await expect.poll(() => recipes.arrived(name)).toBeGreaterThan(start);
    await program.kill();
    expect((await recipes.mirror(language, name).ended).code).toBe(0);
    end();
    expect(await recipes.copied(name)).toEqual([{ id: 'IMG', original, bibs: [] }]);
    expect(relay.downloads, 'from the first byte').toBe(1);
    expect(start).toBeGreaterThan(0);
    expect(relay.rests).toEqual([start, expect.any(Number)]);
    expect(relay.rests[1]).toBeGreaterThan(start);
  });

  test(`${name} fetches an original from the start if it has changed since the break`, async ({ recipes, relay }) => {
    for (const change of ['break', 'kill']) {
      await recipes.writeLarge(change, 'before');
      await recipes.replace(change, [{ id: 'IMG', original: change, bibs: [] }]);
      const held = relay.holdInTheMiddle();
      const program = recipes.mirror(language, name);
      const breakOff = await held;
      await expect.poll(() => recipes.arrived(name)).toBeGreaterThan(0);
      const original = await recipes.writeLarge(change, 'afterwards');
      if (change === 'kill') {
        await program.kill();
        expect((await recipes.mirror(language, name).ended).code).toBe(0);
      }
      breakOff();
      await program.ended;
      expect(await recipes.copied(name)).toEqual([{ id: 'IMG', original, bibs: [] }]);
    }
    expect(relay.rests).toEqual([]);
  });
}

test('a part that is complete already, because its program was killed then, becomes the original', async ({
  recipes,
}) => {
  const photos = [{ id: 'IMG', original: 'one', bibs: [] }];
  await recipes.replace('one', photos);
  for (const [language, name] of MIRRORS) {
    expect((await recipes.mirror(language, name).ended).code).toBe(0);
    await recipes.makePart(name, 'IMG');
    expect((await recipes.mirror(language, name).ended).code).toBe(0);
    expect(await recipes.copied(name)).toEqual(photos);
  }
});

test('a photo that is removed after a run without a cursor is not in the mirror', async ({ recipes, relay }) => {
  const photos = ['one', 'two'].map((id) => ({ id, original: id, bibs: [] }));
  for (const [language, name] of MIRRORS) {
    await recipes.replace('both', photos);
    const held = relay.holdAfter(1);
    const killed = recipes.mirror(language, name);
    await held;
    await killed.kill();
    relay.resume();
    await recipes.replace('the second', photos.slice(1));
    expect((await recipes.mirror(language, name).ended).code).toBe(0);
    expect(await recipes.copied(name)).toEqual(photos.slice(1));
  }
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
