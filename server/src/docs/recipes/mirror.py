"""Mirrors the photos and originals of an event: python3 mirror.py ORGANISATION EVENT FOLDER

Exit codes: 0 complete; 1 refused, the error code is on standard error; 75 not available, run it again later.
"""

import http.client
import json
import os
import random
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

API = "{{origin}}/api/v1/ext"
BATCH = 60  # The most links that one call gives.

organisation, event, folder = sys.argv[1:]
photos, cursor_file = Path(folder, "photos"), Path(folder, "cursor")


class Broken(Exception):
    """The connection broke, or there was none."""


def content_of(response):
    """The content in pieces, as they arrive."""
    try:
        while piece := response.read(65_536):
            yield piece
    except (OSError, http.client.HTTPException) as error:
        raise Broken(error) from error
    if response.length:
        raise Broken(f"{response.length} bytes are missing")


def call(request, receive):
    """The response and what `receive` returns for it. Tries six times if the service is busy or the connection breaks.

    Each try sends what `request` returns then.
    """
    for attempt in range(6):
        wait = ""
        try:
            with opened(request()) as response:
                if response.status != 429 and response.status < 500:
                    return response, receive(response)
                problem, wait = response.status, response.headers["Retry-After"] or ""
        except Broken as error:
            problem = error
        time.sleep((int(wait) if wait.isdigit() else 2**attempt) + random.random())
    unavailable(problem)


def opened(request):
    """The response before its content. An error of the API is a response, too."""
    try:
        return urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        return error
    except (OSError, http.client.HTTPException) as error:
        raise Broken(error) from error


def unavailable(problem):
    print(f"not available: {problem}", file=sys.stderr)
    sys.exit(75)


def api(path, body=None, accepted=None):
    """The data of a response, or None for an error with the accepted code."""
    headers = {"X-API-Key": os.environ["{{key variable}}"], "Content-Type": "application/json"}
    request = urllib.request.Request(f"{API}/{organisation}/event/{event}/{path}", body, headers)
    response, content = call(lambda: request, lambda response: b"".join(content_of(response)))
    if response.status == 200:
        return json.loads(content)["data"]
    code = response.headers["X-Error-Code"]
    if code is None or code != accepted:
        sys.exit(f"refused: {response.status} {code}: {content.decode(errors='replace')}")


def save(file, content):
    """Replaces the file in one step. It is never there in part."""
    part = Path(folder, "part")
    with part.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def folder_of(image_id):
    return photos / urllib.parse.quote(image_id, safe="").replace(".", "%2E")


def download(link, home, known):
    """Saves an original, unless it is here already. Returns the name and the ETag of its file."""
    part, part_etag = home / "part", home / "part.etag"

    def request():
        headers = {}
        if known["etag"] and Path(home, known["original"]).exists():
            headers["If-None-Match"] = known["etag"]
        etag = part_etag.read_text() if part.exists() and part_etag.exists() else ""
        if etag:  # Only the rest, unless the original has changed.
            headers |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": etag}
        return urllib.request.Request(link["url"], headers=headers)

    def receive(response):
        if response.status == 416:  # There is no rest. Begin again, to be sure.
            part.unlink()
            raise Broken(416)
        if response.status == 200:
            part.write_bytes(b"")
            part_etag.write_text(response.headers["ETag"] or "")
        if response.status in (200, 206):
            with part.open("ab") as out:
                for piece in content_of(response):
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())

    response, _ = call(request, receive)
    if response.status == 304:
        return known["original"], known["etag"]
    if response.status == 404:
        return None, None
    if response.status not in (200, 206):  # The link has expired, for example. The next run gets new ones.
        unavailable(f"{response.status} {response.headers['X-Error-Code']}")
    original = f"{home.name}.original{Path(link['filename']).suffix}"
    part.replace(home / original)
    return original, response.headers["ETag"]


def fetch(batch):
    """Saves these photos, each after its original."""
    if not batch:
        return
    body = {"method": "image_ids", "identifier": [photo["image_id"] for photo in batch]}
    body = json.dumps(body, ensure_ascii=False).encode()
    # All of the batch may have been removed meanwhile. Then the change feed says so next.
    data = api(f"original-photos?page_size={BATCH}", body, accepted="image_not_found")
    links = {link["image_id"]: link for link in data["presigned_urls"]} if data else {}
    for photo in batch:
        home = folder_of(photo["image_id"])
        home.mkdir(parents=True, exist_ok=True)
        record = home / "photo.json"
        known = json.loads(record.read_bytes()) if record.exists() else {"etag": None}
        link = links.get(photo["image_id"])
        original, etag = download(link, home, known) if link else (None, None)
        for file in home.iterdir():
            if file.name not in (original, record.name):
                file.unlink()
        save(record, json.dumps({"photo": photo, "original": original, "etag": etag}).encode())


photos.mkdir(parents=True, exist_ok=True)
query = {"page_size": BATCH}
if cursor_file.exists():
    query["after"] = cursor_file.read_text()
more = True
while more:
    page = api(f"changes?{urllib.parse.urlencode(query)}")
    if "after" not in query:  # A run that was killed can have left photos that have been removed since.
        named = {folder_of(change["image_id"]) for change in page["changes"]}
        for home in set(photos.iterdir()) - named:
            shutil.rmtree(home)
    fetch([change["image"] for change in page["changes"] if change["image"]])
    for change in page["changes"]:
        if change["kind"] == "removed":
            shutil.rmtree(folder_of(change["image_id"]), ignore_errors=True)
    query["after"], more = page["nextCursor"], page["hasNextPage"]
    save(cursor_file, query["after"].encode())

# An original can come later than its photo.
records = [json.loads(file.read_bytes()) for file in photos.glob("*/photo.json")]
missing = [record["photo"] for record in records if not record["original"]]
for start in range(0, len(missing), BATCH):
    fetch(missing[start : start + BATCH])
