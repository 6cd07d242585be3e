"""The emulated Cloud Storage beside one that somebody else wrote: the same calls, both answers.

`python -m tests.support.google_crosscheck http://127.0.0.1:PORT`, with fake-gcs-server listening
there (`-scheme http -backend memory -public-host 127.0.0.1:PORT`). Ends with 1 when they differ.
"""

import sys
from collections.abc import Callable, Iterator

import httplib2
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload

from stopline.drill.google.building import build
from stopline.drill.google.documents import document
from stopline.drill.google.server import Google
from stopline.text import Json

BUCKET = "crosscheck"
ESTATE: Json = {
    "organization": {"id": "1", "domain": "lab.example", "customer": "C0lab"},
    "projects": [{"id": "lab", "number": "77"}],
    "buckets": [{"name": BUCKET, "project": "lab", "uniform": False, "versioning": True}],
}
KEPT = (
    "name",
    "bucket",
    "size",
    "contentType",
    "md5Hash",
    "kind",
    "entity",
    "role",
    "temporaryHold",
)
"""What both must agree upon; times, tags, numbers and links are each server's own."""
KNOWN = {
    "entry": "it answers a list; the discovery document says one ObjectAccessControl",
    "delete": "it answers `null`; Google's answer is empty",
    "kept": "it keeps a deleted generation twice",
}
"""Where fake-gcs-server differs from what Google documents, and ours is meant to."""


def plain(answer: Json) -> Json:
    """An answer without what differs from run to run."""
    if isinstance(answer, dict):
        kept = {k: v for k, v in answer.items() if k in KEPT}
        items = [plain(i) for i in answer.get("items", [])]
        gone = {"noncurrent": True} if "timeDeleted" in answer else {}
        more = {"more": True} if "nextPageToken" in answer else {}
        return {**kept, **gone, **more, **({"items": items} if "items" in answer else {})}
    return answer.decode() if isinstance(answer, bytes) else answer


def outcome(call: Callable[[], Json]) -> Json:
    """What a call answers, or the code that refuses it."""
    try:
        return plain(call())
    except HttpError as error:
        return f"refused with {error.resp.status}"


def steps(client: Json) -> Iterator[tuple[str, Json]]:
    """Every step with its outcome, in order."""
    objects, lists = client.objects(), client.objectAccessControls()
    at = {"bucket": BUCKET, "object": "a/b c.txt"}

    def put(name: str, text: bytes) -> Json:
        media = MediaInMemoryUpload(text, "text/plain")
        return objects.insert(bucket=BUCKET, name=name, media_body=media).execute()

    yield "bucket", outcome(lambda: client.buckets().get(bucket=BUCKET).execute())
    yield "no bucket", outcome(lambda: client.buckets().get(bucket="none").execute())
    first = put("a/b c.txt", b"one")
    yield "insert", plain(first)
    yield "insert again", plain(put("a/b c.txt", b"two"))
    put("b.txt", b"three")
    yield "get", outcome(lambda: objects.get(**at).execute())
    yield "content", outcome(lambda: objects.get_media(**at).execute())
    old = {**at, "generation": first["generation"]}
    yield "old content", outcome(lambda: objects.get_media(**old).execute())
    yield "no object", outcome(lambda: objects.get(bucket=BUCKET, object="none").execute())
    yield "list", outcome(lambda: objects.list(bucket=BUCKET).execute())
    yield "prefix", outcome(lambda: objects.list(bucket=BUCKET, prefix="a/").execute())
    yield "versions", outcome(lambda: objects.list(bucket=BUCKET, versions=True).execute())
    yield "page", outcome(lambda: objects.list(bucket=BUCKET, maxResults=1).execute())
    body = {"entity": "allUsers", "role": "READER"}
    yield "entry", outcome(lambda: lists.insert(**at, body=body).execute())
    listed = lists.list(**at).execute()["items"]
    yield "entries", [plain(e) for e in listed if e["entity"] == "allUsers"]
    yield "delete", outcome(lambda: objects.delete(**at).execute())
    yield "after", outcome(lambda: objects.get(**at).execute())
    yield "kept", outcome(lambda: objects.list(bucket=BUCKET, versions=True).execute())


def theirs(url: str) -> Json:
    """The client of the other one, with the bucket made."""
    told = {**document("storage", "v1"), "rootUrl": f"{url}/"}
    client = build_from_document(told, http=httplib2.Http(timeout=10))
    body = {"name": BUCKET, "versioning": {"enabled": True}}
    client.buckets().insert(project="lab", body=body).execute()
    return client


def main(url: str) -> int:
    """Compare, and print each step."""
    other = theirs(url)
    with Google(build(ESTATE)) as google:
        pairs = zip(steps(google.client("storage", "v1", "operator")), steps(other), strict=True)
        differ = 0
        for (name, ours), (_, seen) in pairs:
            if ours == seen:
                sys.stdout.write(f"same     {name}\n")
            elif name in KNOWN:
                sys.stdout.write(f"known    {name}: {KNOWN[name]}\n")
            else:
                differ += 1
                sys.stdout.write(f"DIFFERS  {name}\n")
                sys.stdout.write(f"    ours:   {ours}\n    theirs: {seen}\n")
    other.close()
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
