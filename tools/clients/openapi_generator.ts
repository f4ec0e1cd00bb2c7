// Calls the API with the client that openapi-generator writes for typescript-fetch.

import { deepEqual, rejects } from "node:assert/strict";

import {
  ChangeKind,
  Configuration,
  ErrorCode,
  ErrorResponseFromJSON,
  EventsApi,
  EventStatus,
  OriginalsApi,
  PhotosApi,
  ResponseError,
} from "../../target/clients/ninepic-typescript/index.js";

const configuration = new Configuration({
  basePath: process.env.API_ORIGIN!,
  apiKey: process.env.API_TOKEN!,
});
const events = new EventsApi(configuration);
const photos = new PhotosApi(configuration);
const originals = new OriginalsApi(configuration);
const event = { orgId: 903, eventId: 456 };

const ping = await events.ping(event);
deepEqual([ping.responseType, ping.data.status, ping.data.eventId], ["success", "ok", 456]);

const { data: found } = await events.listEvents({ orgId: 903, pageSize: 2 });
deepEqual(found.events.map((event) => event.eventId), [789, 458]);
deepEqual([found.events[0]?.status, found.pagination.total], [EventStatus.Draft, 87]);
deepEqual(found.events[0]?.coverImage, null);
deepEqual((await events.getEventDetails(event)).data.bibSearch, true);

const seen: (number | null)[] = [];
const ids = new Set<string>();
let after: string | undefined;
do {
  const { data } = await photos.listImages({ ...event, after, pageSize: 40 });
  for (const photo of data.images) {
    ids.add(photo.imageId);
    seen.push(photo.width);
  }
  after = data.pagination.nextCursor ?? undefined;
} while (after);
deepEqual([ids.size, seen.length, seen[0], seen[95]], [96, 96, 6000, null]);

const { data: changed } = await photos.listChanges({ ...event, pageSize: 100 });
deepEqual([changed.changes.length, changed.hasNextPage], [96, false]);
deepEqual([changed.changes[0]?.kind, changed.changes[0]?.image?.imageId], [ChangeKind.Added, "IMG_0001"]);

const day = (await photos.listTimelineDays(event)).data.days[0]!;
deepEqual([day.date, day.hours[0]?.hour, day.hours[0]?.count], [new Date("2026-01-19"), 6, 15]);

const bib = await originals.createOriginalPhotoLinks({
  ...event,
  originalsRequest: { method: "bib", identifier: "1234" },
});
deepEqual([bib.data.totalImages, bib.data.identifier], [5, "1234"]);
const several = await originals.createOriginalPhotoLinks({
  ...event,
  originalsRequest: { method: "image_ids", identifier: ["IMG_0001", "none"] },
});
deepEqual(several.data.presignedUrls.map((link) => link.filename), ["IMG_0001.jpg"]);
deepEqual(several.data.failedUrls.map((failed) => failed.imageId), ["none"]);

let refused: Response | undefined;
await rejects(events.ping({ orgId: 903, eventId: 556 }), (error) => {
  refused = error instanceof ResponseError ? error.response : undefined;
  return true;
});
const error = ErrorResponseFromJSON(await refused?.json());
deepEqual([refused?.status, error.responseType, error.data], [403, "error", null]);
deepEqual(refused?.headers.get("X-Error-Code"), ErrorCode.EventMismatch);
