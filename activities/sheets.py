"""Writing a pause's recovery sheet. Whatever goes wrong is journalled, and stops nothing."""

from collections.abc import Mapping

import structlog

from activities import api
from stopline.configuration import Frozen
from stopline.journal.book import Book
from stopline.port import Connector
from stopline.recovery.gathering import EVENT, gathered
from stopline.recovery.places import Kept, Place
from stopline.render.sheet import files_of, folder_of
from stopline.text import jsonable

log = structlog.get_logger()


def write_sheet(
    book: Book, connectors: Mapping[str, Connector], place: Place, asked: api.SheetOrder
) -> Kept:
    """Bring the sheet of a pause up to date; say where it is, or why there is none.

    A containment must not wait for a full disk or an unreachable bucket, so nothing is raised.
    """
    try:
        kept = _written(book, connectors, place, asked)
    except Exception as error:  # noqa: BLE001 - a fault of the sheet is no reason to stay open
        kept = Kept("", f"{type(error).__name__}: {error}")
    if kept.wrong:
        log.warning("recovery sheet", pause=asked.order.pause, where=kept.where, wrong=kept.wrong)
    data = {"where": kept.where, "plan": asked.plan, "wrong": kept.wrong}
    book.pauses.note(asked.order.pause, EVENT, data)
    return kept


def _written(
    book: Book, connectors: Mapping[str, Connector], place: Place, asked: api.SheetOrder
) -> Kept:
    pause = book.pauses.get(asked.order.pause)
    sheet = gathered(book, pause, jsonable(asked.order), asked.plan)
    vendor, _, _ = Frozen.load(sheet.frozen).parse()
    say = {name: connector.commands for name, connector in connectors.items()}
    return place.keep(folder_of(sheet), files_of(sheet, say, vendor.note))
