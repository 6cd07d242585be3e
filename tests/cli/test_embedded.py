"""The embedded server is there when it lets a client in, not when its port is open."""

import socket
import threading

from stopline.entrypoints.embedded import Server, answers, serves


def test_an_open_port_is_not_a_server() -> None:
    """On a slow machine Temporal listens for a while before it is healthy: that is waited out."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def hang_up() -> None:
            while True:
                try:
                    listening.accept()[0].close()
                except OSError:
                    return

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        assert answers("127.0.0.1", port)
        assert not serves(f"127.0.0.1:{port}")
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_server_that_was_started_lets_a_client_in(temporal_server: Server) -> None:
    """`start` comes back when the first client would not be refused."""
    assert serves(temporal_server.address)
