"""Each of Google's errors has a cause, and says whether a write may have landed."""

import json

import httplib2
import pytest
from google.auth.exceptions import RefreshError
from googleapiclient.errors import HttpError

from stopline.connectors.gcp.faults import translated
from stopline.errors import StaleError
from stopline.receipts import Cause

MANY = [
    (400, "FAILED_PRECONDITION", "", Cause.REFUSED),
    (401, "UNAUTHENTICATED", "", Cause.CREDENTIALS),
    (403, "PERMISSION_DENIED", "forbidden", Cause.DENIED),
    (403, "", "quotaExceeded", Cause.THROTTLED),
    (404, "NOT_FOUND", "", Cause.GONE),
    (409, "ALREADY_EXISTS", "", Cause.BUSY),
    (429, "RESOURCE_EXHAUSTED", "", Cause.THROTTLED),
]


def answer(code: int, status: str = "", reason: str = "") -> HttpError:
    """An error as Google says it."""
    body = {"error": {"status": status, "message": "no", "errors": [{"reason": reason}]}}
    return HttpError(httplib2.Response({"status": code}), json.dumps(body).encode())


@pytest.mark.parametrize(("code", "status", "reason", "cause"), MANY)
def test_a_refusal_surely_did_not_land(code: int, status: str, reason: str, cause: Cause) -> None:
    """Google said no, and why."""
    error = translated(answer(code, status, reason), "crm.setIamPolicy", writing=True)
    assert (error.cause, error.landed) == (cause, False)
    assert "crm.setIamPolicy" in error.detail


@pytest.mark.parametrize("error", [answer(409, "ABORTED"), answer(412)])
def test_a_moved_etag_is_stale(error: HttpError) -> None:
    """One-Platform services say 409 ABORTED, storage says 412: both ask for another read."""
    assert isinstance(translated(error, "x", writing=True), StaleError)


def test_trap_what_is_public_is_refused_under_prevention_and_has_not_moved() -> None:
    """The same 412 as for a moved tag: reading again would go on for ever, and say nothing."""
    said = (
        "The member bindings allUsers are not allowed since public access prevention is enforced."
    )
    body = {"error": {"message": said, "errors": [{"reason": "conditionNotMet"}]}}
    error = HttpError(httplib2.Response({"status": 412}), json.dumps(body).encode())
    found = translated(error, "storage.objects.patch", writing=True)
    assert not isinstance(found, StaleError)
    assert (found.cause, found.landed) == (Cause.REFUSED, False)


@pytest.mark.parametrize("error", [answer(503), TimeoutError(), httplib2.ServerNotFoundError("x")])
def test_trap_5_a_lost_answer_leaves_open_whether_a_write_landed(error: Exception) -> None:
    """A read has surely changed nothing; of a write nobody can say."""
    assert translated(error, "x", writing=True).landed is None
    read = translated(error, "x", writing=False)
    assert (read.cause, read.landed) == (Cause.UNREACHABLE, False)


def test_our_own_credentials_and_our_own_bugs_are_told_apart() -> None:
    """What is ours to mend is not the provider's refusal; a body that is no JSON is no bug."""
    expired = RefreshError("x")  # type: ignore[no-untyped-call]
    assert translated(expired, "x", writing=True).cause is Cause.CREDENTIALS
    assert translated(ZeroDivisionError(), "x", writing=True).cause is Cause.BUG
    plain = HttpError(httplib2.Response({"status": 502}), b"<html>")
    assert translated(plain, "x", writing=True).cause is Cause.UNREACHABLE
