"""`stopline ack --serve`: the links in notices, served until it is told to stop."""

import asyncio

import structlog

from activities.api import TellOrder, Told
from stopline import settings
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.listening import Hear, Links, Listener
from stopline.entrypoints.stopping import stop_on_signals
from stopline.entrypoints.temporal import Temporal
from stopline.errors import SetupError, UserError
from stopline.notices.tokens import signing_key

LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65_535
HEARD_SECONDS = 15.0
"""The longest that whoever opened a link waits for the worker."""

log = structlog.get_logger()


def serve(program: Program, where: str, *, alone: bool) -> None:
    """Serve the links in notices until told to stop. Raises UserError, SetupError."""
    if not alone:
        raise UserError(
            "--serve acknowledges nothing by itself: give it alone. Nothing was served."
        )
    address = address_of(where)
    secret = _signing(program)
    program.at_work()
    program.wait(_serving(program, address, secret))


def address_of(text: str) -> tuple[str, int]:
    """Where to listen: on loopback, where no host is given. Raises UserError."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port[:6]) > HIGHEST_PORT:
        raise UserError(f"--serve: {text!r} is not HOST:PORT. Nothing was served.", "Such as 8383.")
    return host.strip("[]") or LOOPBACK, int(port)


def _signing(program: Program) -> str:
    """The key that signs the links. Raises ConfigError or UserError where there is none."""
    notices = program.configuration.notices()
    if notices is None or notices.escalation.link is None or notices.escalation.secret is None:
        raise UserError(
            "config/notices.yaml has no link to acknowledge. Nothing was served.",
            "Give its escalation 'link', where people reach this, and 'secret'.",
        )
    return signing_key(settings.secret, notices.escalation.secret)


def through(temporal: Temporal, loop: asyncio.AbstractEventLoop) -> Hear:
    """How the server's threads have the worker hear a word: over Temporal, on the one loop.

    What was not answered in time goes on all the same; its second time changes nothing.
    """

    async def heard(order: TellOrder) -> Told:
        await temporal.require_worker()
        return await temporal.about_notices(order, "ack", "whoever was sent a notice has it")

    def hear(order: TellOrder) -> Told:
        return asyncio.run_coroutine_threadsafe(heard(order), loop).result(HEARD_SECONDS)

    return hear


async def _serving(program: Program, where: tuple[str, int], secret: str) -> None:
    stop = asyncio.Event()
    hear = through(program.temporal, asyncio.get_running_loop())
    try:
        listener = Listener(where, Links(program.book, secret, hear))
    except OSError as error:
        reason = (error.strerror or "it failed").lower()
        raise SetupError(
            f"{where[0]}:{where[1]} cannot be listened on: {reason}. Nothing was served.",
            "Choose another port, or end what has it.",
        ) from None
    stop_on_signals(stop)
    host, port = str(listener.server_address[0]), listener.server_address[1]
    log.info("links to acknowledge are served", host=host, port=port)
    program.say(f"Links in notices are served on http://{host}:{port}: put your proxy before it.")
    if host not in (LOOPBACK, "::1"):
        program.say("It is no loopback address, and this speaks no TLS: let nobody else reach it.")
    serving = asyncio.create_task(asyncio.to_thread(listener.serve_forever, 0.2))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    listener.shutdown()
    await serving  # what ended it by itself ends the command: nobody would answer any more
    listener.server_close()
