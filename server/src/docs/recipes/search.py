import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

EVENT = "{{origin}}/api/v1/ext/903/event/456"
TIMEOUT = 5  # Seconds. A visitor waits for the page.


class Refused(Exception):
    """The API refused the call, or was not available after three tries."""


def photos_of(bib):
    """The photos with a bib number, none if no photo has it. Raises Refused."""
    photos, query = [], {"page_size": 100}
    while True:
        status, headers, body = call(f"/bibs/{urllib.parse.quote(bib, safe='')}?{urllib.parse.urlencode(query)}")
        if headers["X-Error-Code"] == "bib_not_found":
            return []
        if status != 200:
            raise Refused(f"{status} {headers['X-Error-Code']}")
        data = json.loads(body)["data"]
        photos += data["images"]
        query["after"] = data["pagination"]["nextCursor"]
        if query["after"] is None:
            return photos


def call(path):
    request = urllib.request.Request(EVENT + path, headers={"X-API-Key": os.environ["{{key variable}}"]})
    for attempt in range(3):
        try:
            try:
                response = urllib.request.urlopen(request, timeout=TIMEOUT)
            except urllib.error.HTTPError as error:
                response = error
            with response:
                status, headers, body = response.status, response.headers, response.read()
            if status not in (429, 503):
                return status, headers, body
            problem, wait = f"{status} {headers['X-Error-Code']}", headers["Retry-After"] or ""
            wait = int(wait) if wait.isdigit() else 1
        except (OSError, http.client.HTTPException) as error:
            problem, wait = error, 1
        if wait > TIMEOUT:
            break
        time.sleep(wait + random.random() / 4)
    raise Refused(problem)


if __name__ == "__main__":
    try:
        for photo in photos_of(sys.argv[1]):
            print(photo["image_id"])
    except Refused as refused:
        sys.exit(f"refused: {refused}")
