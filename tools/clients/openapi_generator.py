"""Calls the API with the client that openapi-generator writes for Python."""

import datetime
import os

import ninepic
from ninepic.exceptions import ForbiddenException
from ninepic.models import (
    ChangeKind,
    ErrorCode,
    ErrorResponse,
    EventStatus,
    OriginalsByBib,
    OriginalsByImageIds,
    OriginalsRequest,
)

from facts import expect

configuration = ninepic.Configuration(
    host=os.environ["API_ORIGIN"],
    api_key={"ApiKey": os.environ["API_TOKEN"]},
)
with ninepic.ApiClient(configuration) as client:
    events = ninepic.EventsApi(client)
    photos = ninepic.PhotosApi(client)
    originals = ninepic.OriginalsApi(client)

    ping = events.ping(903, 456)
    expect((ping.response_type, ping.data.status, ping.data.event_id), ("success", "ok", 456))

    found = events.list_events(903, page_size=2).data
    expect([event.event_id for event in found.events], [789, 458])
    expect(found.events[0].status, EventStatus.DRAFT)
    expect((found.events[0].cover_image, found.pagination.total), (None, 87))
    expect(events.get_event_details(903, 456).data.bib_search, True)

    ids, pages, after = [], 0, None
    while pages == 0 or after:
        data = photos.list_images(903, 456, after=after, page_size=40).data
        ids += [photo.image_id for photo in data.images]
        pages, after = pages + 1, data.pagination.next_cursor
    expect((pages, ids[0], len(ids), len(set(ids))), (3, "IMG_0001", 96, 96))
    expect([photo.width for photo in (data.images[0], data.images[-1])], [6000, None])

    changes = photos.list_changes(903, 456, page_size=100).data
    expect((len(changes.changes), changes.has_next_page), (96, False))
    expect((changes.changes[0].kind, changes.changes[0].image.image_id), (ChangeKind.ADDED, "IMG_0001"))
    expect(photos.list_changes(903, 456, after=changes.next_cursor).data.changes, [])

    day = photos.list_timeline_days(903, 456).data.days[0]
    expect((day.var_date, day.hours[0].hour, day.hours[0].count), (datetime.date(2026, 1, 19), 6, 15))
    window = photos.list_timeline_images(903, 456, 1768802400, 1768806000).data
    expect(window.pagination.total, 15)

    bib = OriginalsRequest(OriginalsByBib(method="bib", identifier="1234"))
    links = originals.create_original_photo_links(903, 456, bib).data
    expect((links.total_images, links.identifier), (5, "1234"))
    several = OriginalsRequest(OriginalsByImageIds(method="image_ids", identifier=["IMG_0001", "none"]))
    links = originals.create_original_photo_links(903, 456, several).data
    expect([link.filename for link in links.presigned_urls], ["IMG_0001.jpg"])
    expect([failed.image_id for failed in links.failed_urls], ["none"])

    try:
        events.ping(903, 556)
    except ForbiddenException as refused:
        expect(type(refused.data), ErrorResponse)
        expect((refused.data.response_type, refused.data.data), ("error", None))
        expect(ErrorCode(refused.headers["X-Error-Code"]), ErrorCode.EVENT_MISMATCH)
    else:
        raise AssertionError("another organisation’s event was not refused")
