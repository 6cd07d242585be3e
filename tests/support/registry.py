"""A registry of packages on loopback, for tests of what an installer takes and what it refuses.

It speaks the JSON form of the simple API, with the time at which each file was uploaded.
https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

NAME = "little"


def wheel(version: str) -> tuple[str, bytes]:
    """The file name and the bytes of a wheel without a module."""
    info = f"{NAME}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return f"{NAME}-{version}-py3-none-any.whl", out.getvalue()


def source(version: str) -> tuple[str, bytes]:
    """The file name and the bytes of a source distribution that runs code when it is built."""
    files = {
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {version}\n",
        "setup.py": "raise SystemExit('this ran while it was installed')\n",
    }
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{NAME}-{version}/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return f"{NAME}-{version}.tar.gz", out.getvalue()


@dataclass
class Registry:
    """Files by name, and how many days ago each was uploaded; None where it does not tell."""

    files: dict[str, bytes] = field(default_factory=dict)
    days: dict[str, int | None] = field(default_factory=dict)
    url: str = ""

    def add(self, file: tuple[str, bytes], days: int | None) -> Self:
        """Upload a file, some days ago."""
        name, body = file
        self.files[name], self.days[name] = body, days
        return self

    def listing(self) -> str:
        """What the simple API says of the one project that there is."""
        now = datetime.now(UTC)
        listed = []
        for name, body in sorted(self.files.items()):
            entry: dict[str, object] = {
                "filename": name,
                "url": f"{self.url}/files/{name}",
                "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
            }
            days = self.days[name]
            if days is not None:
                moment = now - timedelta(days=days)
                entry["upload-time"] = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            listed.append(entry)
        return json.dumps({"meta": {"api-version": "1.1"}, "name": NAME, "files": listed})


@contextmanager
def serving() -> Iterator[Registry]:
    """Serve a registry on a free port of loopback."""
    registry = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = registry.files.get(self.path.rpartition("/")[2])
            kind = "application/octet-stream"
            if self.path.rstrip("/") == f"/simple/{NAME}":
                body = registry.listing().encode()
                kind = "application/vnd.pypi.simple.v1+json"
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET  # noqa: N815 - the same

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
