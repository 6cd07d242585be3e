"""Asking a ledger's database: its faults as typed causes, and never its own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from stopline.errors import ConnectorError
from stopline.receipts import Cause


@contextmanager
def asked(ledger: str, *, writing: bool) -> Iterator[None]:
    """Turn what a database raises into a typed cause. Its own text may hold a password."""
    landed = None if writing else False
    try:
        yield
    except ConnectorError:
        raise
    except DBAPIError as error:
        code = str(getattr(error.orig, "sqlstate", "") or "")
        what = f"the ledger {ledger}: {type(error.orig).__name__} {code}".strip()
        if code == "55P03" or "locked" in str(error.orig):
            raise ConnectorError(Cause.BUSY, f"{what}: a pay run keeps its lock") from None
        if code == "42501":
            raise ConnectorError(Cause.DENIED, what) from None
        if code.startswith("28"):
            raise ConnectorError(Cause.CREDENTIALS, what) from None
        away = isinstance(error, OperationalError)
        cause = Cause.UNREACHABLE if away else Cause.REFUSED
        raise ConnectorError(cause, what, landed=landed if away else False) from None
    except SQLAlchemyError as error:
        what = f"the ledger {ledger}: {type(error).__name__}"
        raise ConnectorError(Cause.UNREACHABLE, what, landed=landed) from None
