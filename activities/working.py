"""Around every body: it beats while it works, and its errors are ones that Temporal can show."""

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import activity
from temporalio.exceptions import ApplicationError

from stopline.errors import RefusedError, StoplineError, UserError

BEAT_SECONDS = 2.0


@contextmanager
def at_work() -> Iterator[None]:
    """Beat while the body works, and turn our errors into ones that Temporal can show."""
    over = threading.Event()
    context = contextvars.copy_context()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            activity.heartbeat()

    beating = threading.Thread(target=context.run, args=(beat,), daemon=True)
    beating.start()
    try:
        yield
    except StoplineError as error:
        hopeless = isinstance(error, UserError | RefusedError)
        raise ApplicationError(
            str(error), type=type(error).__name__, non_retryable=hopeless
        ) from None
    finally:
        over.set()
        beating.join()
