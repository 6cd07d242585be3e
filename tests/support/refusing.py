"""A server that answers every gRPC call with one status: what a refused key looks like.

Just enough HTTP/2 for it. https://www.rfc-editor.org/rfc/rfc9113 and
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PREFACE = 24
HEADERS, SETTINGS, PING = 1, 4, 6
ACK, END_STREAM, END_HEADERS = 1, 1, 4


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A header that is put into no table, in plain octets (RFC 7541, 6.2.2)."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.read(PREFACE)
        self.wfile.write(_frame(SETTINGS, 0, 0))
        while head := self.rfile.read(9):
            size, (kind, flags, stream) = (
                int.from_bytes(head[:3], "big"),
                struct.unpack(">BBI", head[3:]),
            )
            payload = self.rfile.read(size)
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.wfile.write(_frame(kind, ACK, 0, payload if kind == PING else b""))
            elif kind == HEADERS:
                self.wfile.write(
                    _frame(HEADERS, END_HEADERS | END_STREAM, stream, self.server.answer)
                )


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    answer = b""


@contextmanager
def refusing_server(status: int, message: str) -> Iterator[str]:
    """Serve on loopback; yields `host:port`. Statuses: https://grpc.io/docs/guides/status-codes/"""
    headers = {
        "content-type": "application/grpc",
        "grpc-status": str(status),
        "grpc-message": message,
    }
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.answer = b"\x88" + b"".join(_literal(n, v) for n, v in headers.items())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where: Any = server.server_address
        yield f"{where[0]}:{where[1]}"
        server.shutdown()
