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


def call(url, headers, body=None):
    """The response and its content. Tries six times if the service is busy or the connection breaks."""
    for attempt in range(6):
        try:
            try:
                response = urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                content = response.read()
            if response.status != 429 and response.status < 500:
                return response, content
            problem, wait = response.status, response.headers["Retry-After"] or ""
        except (OSError, http.client.HTTPException) as error:
            problem, wait = error, ""
        time.sleep((int(wait) if wait.isdigit() else 2**attempt) + random.random())
    unavailable(problem)


def unavailable(problem):
    print(f"not available: {problem}", file=sys.stderr)
    sys.exit(75)


def api(path, body=None, accepted=None):
    """The data of a response, or None for an error with the accepted code."""
    headers = {"X-API-Key": os.environ["{{key variable}}"], "Content-Type": "application/json"}
    response, content = call(f"{API}/{organisation}/event/{event}/{path}", headers, body)
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
    headers = {}
    if known["etag"] and Path(home, known["original"]).exists():
        headers["If-None-Match"] = known["etag"]
    response, content = call(link["url"], headers)
    if response.status == 304:
        return known["original"], known["etag"]
    if response.status == 404:
        return None, None
    if response.status != 200:  # The link has expired, for example. The next run gets new ones.
        unavailable(f"{response.status} {response.headers['X-Error-Code']}")
    original = f"{home.name}.original{Path(link['filename']).suffix}"
    save(home / original, content)
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
