"""Calls the API with the client that openapi-python-client writes."""

import datetime
import os

from the_9_pic_api_client import AuthenticatedClient
from the_9_pic_api_client.api.events import get_event_details, list_events, ping
from the_9_pic_api_client.api.originals import create_original_photo_links
from the_9_pic_api_client.api.photos import list_changes, list_images, list_timeline_days
from the_9_pic_api_client.models import (
    ChangeKind,
    ErrorCode,
    ErrorResponse,
    EventStatus,
    OriginalsByBib,
    OriginalsByImageIds,
)
from the_9_pic_api_client.types import UNSET

from facts import expect

client = AuthenticatedClient(base_url=os.environ["API_ORIGIN"], token=os.environ["API_TOKEN"])
with client:
    pong = ping.sync(903, 456, client=client)
    expect((pong.response_type, pong.data.status, pong.data.event_id), ("success", "ok", 456))

    found = list_events.sync(903, client=client, page_size=2).data
    expect([event.event_id for event in found.events], [789, 458])
    expect(found.events[0].status, EventStatus.DRAFT)
    expect((found.events[0].cover_image, found.pagination.total), (None, 87))
    expect(get_event_details.sync(903, 456, client=client).data.bib_search, True)

    ids, pages, after = [], 0, UNSET
    while after is not None:
        data = list_images.sync(903, 456, client=client, after=after, page_size=40).data
        ids += [photo.image_id for photo in data.images]
        pages, after = pages + 1, data.pagination.next_cursor
    expect((pages, ids[0], len(ids), len(set(ids))), (3, "IMG_0001", 96, 96))
    expect([photo.width for photo in (data.images[0], data.images[-1])], [6000, None])

    changes = list_changes.sync(903, 456, client=client, page_size=100).data
    expect((len(changes.changes), changes.has_next_page), (96, False))
    expect((changes.changes[0].kind, changes.changes[0].image.image_id), (ChangeKind.ADDED, "IMG_0001"))
    rest = list_changes.sync(903, 456, client=client, after=changes.next_cursor).data
    expect(rest.changes, [])

    day = list_timeline_days.sync(903, 456, client=client).data.days[0]
    expect((day.date, day.hours[0].hour, day.hours[0].count), (datetime.date(2026, 1, 19), 6, 15))

    bib = OriginalsByBib(method="bib", identifier="1234")
    links = create_original_photo_links.sync(903, 456, client=client, body=bib).data
    expect((links.total_images, links.identifier), (5, "1234"))
    several = OriginalsByImageIds(method="image_ids", identifier=["IMG_0001", "none"])
    links = create_original_photo_links.sync(903, 456, client=client, body=several).data
    expect([link.filename for link in links.presigned_urls], ["IMG_0001.jpg"])
    expect([failed.image_id for failed in links.failed_urls], ["none"])

    refused = ping.sync_detailed(903, 556, client=client)
    expect((refused.status_code, type(refused.parsed)), (403, ErrorResponse))
    expect((refused.parsed.response_type, refused.parsed.data), ("error", None))
    expect(ErrorCode(refused.headers["X-Error-Code"]), ErrorCode.EVENT_MISMATCH)
