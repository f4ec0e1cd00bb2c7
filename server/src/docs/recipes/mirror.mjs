// Mirrors the photos and originals of an event: node mirror.mjs ORGANISATION EVENT FOLDER
//
// Exit codes: 0 complete; 1 refused, the error code is on standard error; 75 not available, run it again later.

import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const API = "{{origin}}/api/v1/ext";
const BATCH = 60; // The most links that one call gives.

const [organisation, event, folder] = process.argv.slice(2);
const [photos, cursorFile] = [join(folder, "photos"), join(folder, "cursor")];

function end(code, problem) {
  console.error(problem);
  process.exit(code);
}

/**
 * The response and what `receive` returns for it. Tries six times if the service is busy or the connection breaks.
 * Each try sends what `options` returns then.
 */
async function call(url, options, receive) {
  let problem;
  for (let attempt = 0; attempt < 6; attempt += 1) {
    let wait;
    try {
      const response = await fetch(url, { ...(await options()), signal: AbortSignal.timeout(300_000) });
      if (response.status !== 429 && response.status < 500) return { response, content: await receive(response) };
      await response.body?.cancel();
      problem = response.status;
      wait = response.headers.get("retry-after");
    } catch (error) {
      if (error.syscall) throw error; // A file cannot be written, for example. Errors of fetch have a cause instead.
      problem = error.cause ?? error;
    }
    await sleep(1000 * ((/^\d+$/.test(wait) ? Number(wait) : 2 ** attempt) + Math.random()));
  }
  return end(75, `not available: ${problem}`);
}

/** The data of a response, or nothing for an error with the accepted code. */
async function api(path, body, accepted) {
  const options = {
    method: body ? "POST" : "GET",
    headers: { "X-API-Key": process.env.{{key variable}}, "Content-Type": "application/json" },
    body: body && JSON.stringify(body),
  };
  const url = `${API}/${organisation}/event/${event}/${path}`;
  const { response, content } = await call(url, () => options, (response) => response.text());
  if (response.status === 200) return JSON.parse(content).data;
  const code = response.headers.get("x-error-code");
  if (code === null || code !== accepted) end(1, `refused: ${response.status} ${code}: ${content}`);
}

/** Replaces the file in one step. It is never there in part. */
async function save(file, content) {
  const part = join(folder, "part");
  const out = await open(part, "w");
  await out.writeFile(content);
  await out.sync();
  await out.close();
  await rename(part, file);
}

/** The text of a file, or null if there is none. */
async function textOf(file) {
  return existsSync(file) ? readFile(file, "utf8") : null;
}

function folderOf(imageId) {
  const escape = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return join(photos, encodeURIComponent(imageId).replace(/[.!*'()]/g, escape));
}

/** Saves an original, unless it is here already. Returns the name and the ETag of its file. */
async function download(link, home, known) {
  const [part, partEtag] = [join(home, "part"), join(home, "part.etag")];

  async function options() {
    const headers = { "Accept-Encoding": "identity" };
    if (known.etag && existsSync(join(home, known.original))) headers["If-None-Match"] = known.etag;
    const etag = existsSync(part) && (await textOf(partEtag));
    // Only the rest, unless the original has changed.
    if (etag) Object.assign(headers, { Range: `bytes=${(await stat(part)).size}-`, "If-Range": etag });
    return { headers };
  }

  async function receive(response) {
    if (response.status === 416) {
      await rm(part); // There is no rest. Begin again, to be sure.
      throw new Error("416");
    }
    if (response.status === 200) {
      await writeFile(part, "");
      await writeFile(partEtag, response.headers.get("etag") ?? "");
    }
    if (response.status === 200 || response.status === 206) {
      const out = await open(part, "a");
      try {
        for await (const piece of response.body) await out.writeFile(piece);
        await out.sync();
      } finally {
        await out.close();
      }
    }
  }

  const { response } = await call(link.url, options, receive);
  if (response.status === 304) return known;
  if (response.status === 404) return {};
  // The link has expired, for example. The next run gets new ones.
  if (!response.ok) end(75, `not available: ${response.status} ${response.headers.get("x-error-code")}`);
  const original = `${basename(home)}.original${extname(link.filename)}`;
  await rename(part, join(home, original));
  return { original, etag: response.headers.get("etag") };
}

/** Saves these photos, each after its original. */
async function fetchAll(batch) {
  if (batch.length === 0) return;
  const body = { method: "image_ids", identifier: batch.map((photo) => photo.image_id) };
  // All of the batch may have been removed meanwhile. Then the change feed says so next.
  const data = await api(`original-photos?page_size=${BATCH}`, body, "image_not_found");
  const links = new Map(data?.presigned_urls.map((link) => [link.image_id, link]));
  for (const photo of batch) {
    const home = folderOf(photo.image_id);
    await mkdir(home, { recursive: true });
    const record = join(home, "photo.json");
    const known = JSON.parse((await textOf(record)) ?? "{}");
    const link = links.get(photo.image_id);
    const { original = null, etag = null } = link ? await download(link, home, known) : {};
    for (const file of await readdir(home)) {
      if (file !== original && file !== "photo.json") await rm(join(home, file));
    }
    await save(record, JSON.stringify({ photo, original, etag }));
  }
}

await mkdir(photos, { recursive: true });
let cursor = await textOf(cursorFile);
let more = true;
while (more) {
  const page = await api(`changes?page_size=${BATCH}${cursor ? `&after=${encodeURIComponent(cursor)}` : ""}`);
  if (!cursor) {
    // A run that was killed can have left photos that have been removed since.
    const named = new Set(page.changes.map((change) => folderOf(change.image_id)));
    for (const home of (await readdir(photos)).map((name) => join(photos, name))) {
      if (!named.has(home)) await rm(home, { recursive: true });
    }
  }
  await fetchAll(page.changes.flatMap((change) => change.image ?? []));
  for (const change of page.changes) {
    if (change.kind === "removed") await rm(folderOf(change.image_id), { recursive: true, force: true });
  }
  cursor = page.nextCursor;
  more = page.hasNextPage;
  await save(cursorFile, cursor);
}

// An original can come later than its photo.
const missing = [];
for (const name of await readdir(photos)) {
  const { photo, original } = JSON.parse(await textOf(join(photos, name, "photo.json")));
  if (!original) missing.push(photo);
}
for (let start = 0; start < missing.length; start += BATCH) {
  await fetchAll(missing.slice(start, start + BATCH));
}
