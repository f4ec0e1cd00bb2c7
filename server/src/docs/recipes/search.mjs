import { setTimeout as sleep } from "node:timers/promises";

const EVENT = "{{origin}}/api/v1/ext/903/event/456";
const TIMEOUT = 5; // Seconds. A visitor waits for the page.

/** The photos with a bib number, none if no photo has it. Throws an error with the error code. */
async function photosOf(bib) {
  const photos = [];
  const query = new URLSearchParams({ page_size: 100 });
  while (true) {
    const response = await call(`/bibs/${encodeURIComponent(bib)}?${query}`);
    const code = response.headers.get("x-error-code");
    if (code === "bib_not_found") return [];
    if (!response.ok) throw new Error(`refused: ${response.status} ${code}`);
    const { images, pagination } = (await response.json()).data;
    photos.push(...images);
    if (pagination.nextCursor === null) return photos;
    query.set("after", pagination.nextCursor);
  }
}

async function call(path) {
  let problem;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    let wait = 1;
    try {
      const headers = { "X-API-Key": process.env.{{key variable}} };
      const response = await fetch(EVENT + path, { headers, signal: AbortSignal.timeout(TIMEOUT * 1000) });
      if (response.status !== 429 && response.status !== 503) return response;
      problem = `${response.status} ${response.headers.get("x-error-code")}`;
      wait = Number(response.headers.get("retry-after") ?? 1);
      await response.body?.cancel();
    } catch (error) {
      problem = error.cause ?? error;
    }
    if (!(wait <= TIMEOUT)) break;
    await sleep(1000 * (wait + Math.random() / 4));
  }
  throw new Error(`refused: ${problem}`);
}

for (const photo of await photosOf(process.argv[2])) console.log(photo.image_id);
