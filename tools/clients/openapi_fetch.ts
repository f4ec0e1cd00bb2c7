// Calls the API with openapi-fetch, and the types that openapi-typescript writes.

import { deepEqual, equal } from "node:assert/strict";

import createClient from "openapi-fetch";

import type { components, paths } from "../../target/clients/ninepic.js";

const client = createClient<paths>({
  baseUrl: process.env.API_ORIGIN!,
  headers: { "X-API-Key": process.env.API_TOKEN! },
});
const path = { org_id: 903, event_id: 456 };

const ping = await client.GET("/api/v1/ext/{org_id}/event/{event_id}/ping", { params: { path } });
deepEqual([ping.data?.responseType, ping.data?.data], ["success", { status: "ok", ...path }]);

const found = await client.GET("/api/v1/ext/{org_id}/events", {
  params: { path: { org_id: 903 }, query: { page_size: 2 } },
});
deepEqual(found.data?.data.events.map((event) => event.event_id), [789, 458]);
const status: components["schemas"]["EventStatus"] = "draft";
equal(found.data?.data.events[0]?.status, status);
equal(found.data?.data.pagination.total, 87);

const seen: components["schemas"]["ListedPhoto"][] = [];
let after: string | undefined;
do {
  const { data } = await client.GET("/api/v1/ext/{org_id}/event/{event_id}/images", {
    params: { path, query: { after, page_size: 40 } },
  });
  seen.push(...(data?.data.images ?? []));
  after = data?.data.pagination.nextCursor ?? undefined;
} while (after);
equal(new Set(seen.map((photo) => photo.image_id)).size, 96);
deepEqual([seen.length, seen[0]?.width, seen[95]?.width], [96, 6000, null]);

const changed = await client.GET("/api/v1/ext/{org_id}/event/{event_id}/changes", {
  params: { path, query: { page_size: 100 } },
});
deepEqual([changed.data?.data.changes.length, changed.data?.data.hasNextPage], [96, false]);
deepEqual([changed.data?.data.changes[0]?.kind, changed.data?.data.changes[0]?.image?.image_id], ["added", "IMG_0001"]);

const links = await client.POST("/api/v1/ext/{org_id}/event/{event_id}/original-photos", {
  params: { path },
  body: { method: "image_ids", identifier: ["IMG_0001", "none"] },
});
deepEqual(links.data?.data.presigned_urls.map((link) => link.filename), ["IMG_0001.jpg"]);
deepEqual(links.data?.data.failed_urls.map((failed) => failed.image_id), ["none"]);

const refused = await client.GET("/api/v1/ext/{org_id}/event/{event_id}/ping", {
  params: { path: { org_id: 903, event_id: 556 } },
});
const error: components["schemas"]["ErrorResponse"] | undefined = refused.error;
const code: components["schemas"]["ErrorCode"] = "event_mismatch";
deepEqual([refused.response.status, error?.responseType, error?.data], [403, "error", null]);
equal(refused.response.headers.get("X-Error-Code"), code);
