"""Google's errors as typed causes. https://docs.cloud.google.com/apis/design/errors

What matters most is whether a write landed: a refusal says no; a 5xx or a cut connection says
nothing, so the engine reads again. 409 ABORTED and 412 say that the etag had moved.
"""

import json
import re
from collections.abc import Iterator

import httplib2
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from googleapiclient.errors import HttpError

from stopline.errors import ConnectorError, StaleError
from stopline.receipts import Cause
from stopline.text import Json

_SLOW = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
"""Reasons of a 403 that mean: too fast. https://developers.google.com/admin-sdk/directory/v1/limits
"""
_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
"""Reasons of a 403 that mean: the service is not switched on in a project."""
_OFF_IN = re.compile(r"\bproject ([a-z0-9:.-]*[a-z0-9])\b")
_BY_STATUS = {
    401: Cause.CREDENTIALS,
    403: Cause.DENIED,
    404: Cause.GONE,
    408: Cause.UNREACHABLE,
    409: Cause.BUSY,
    429: Cause.THROTTLED,
}
_MOVED = 412
_PUBLIC = "public access prevention"
"""A list that names everybody is not taken under it, whatever else the edit is about.

https://docs.cloud.google.com/storage/docs/public-access-prevention
"""
_CONFLICT = 409
_FORBIDDEN = 403
_SERVER_ERROR = 500


class RefusedError(ConnectorError):
    """Google said no. `said` is all that it said, without what we called and on what."""

    def __init__(self, cause: Cause, detail: str, said: str) -> None:
        """Nothing was written."""
        super().__init__(cause, detail, landed=False)
        self.said = said


class OffError(ConnectorError):
    """The service is not switched on. `project` is where: its number as a rule, or its id.

    It may be the project that was asked about, where there is nothing then, or our account's own.
    https://docs.cloud.google.com/service-usage/docs/enabled-service
    """

    def __init__(self, detail: str, project: str) -> None:
        """Nothing was written."""
        super().__init__(Cause.DENIED, detail, landed=False)
        self.project = project


def translated(error: Exception, what: str, *, writing: bool) -> ConnectorError:
    """Turn what Google's client raised into a typed cause; `what` names the call and target."""
    open_ = None if writing else False
    if isinstance(error, HttpError):
        return _answered(error, what, open_)
    if isinstance(error, DefaultCredentialsError | RefreshError):
        return ConnectorError(Cause.CREDENTIALS, f"{what}: {error}")
    if isinstance(error, OSError | httplib2.HttpLib2Error | TransportError):
        return ConnectorError(Cause.UNREACHABLE, f"{what}: {type(error).__name__}", landed=open_)
    return ConnectorError(Cause.BUG, f"{what}: {type(error).__name__}: {error}", landed=None)


def _answered(error: HttpError, what: str, open_: bool | None) -> ConnectorError:  # noqa: FBT001
    code = int(error.resp.status)
    status, said, reasons = _said(error)
    detail = f"{what}: {code} {status}: {said}"
    if code == _MOVED and _PUBLIC in said.lower():
        return ConnectorError(Cause.REFUSED, detail)  # no other reading would help
    if code == _MOVED or (code == _CONFLICT and status == "ABORTED"):
        return StaleError(detail)
    if code == _FORBIDDEN and reasons & _SLOW:
        return ConnectorError(Cause.THROTTLED, detail)
    if code == _FORBIDDEN and reasons & _OFF:
        return OffError(detail, _consumer(error, said))
    cause = Cause.UNREACHABLE if code >= _SERVER_ERROR else _BY_STATUS.get(code, Cause.REFUSED)
    if cause is Cause.REFUSED:
        return RefusedError(cause, detail, said)
    return ConnectorError(cause, detail, landed=open_ if cause is Cause.UNREACHABLE else False)


def _said(error: HttpError) -> tuple[str, str, frozenset[str]]:
    """Status, message and reasons of an error's body, which a proxy may have replaced."""
    try:
        body = json.loads(error.content)["error"]
        more = [*body.get("errors", []), *body.get("details", [])]
        reasons = frozenset(str(e.get("reason", "")) for e in more)
        told = dict.fromkeys((str(body.get("message", "")), *_details(body.get("details", []))))
        return str(body.get("status", "")), " ".join(filter(None, told)), reasons
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", str(error.resp.reason), frozenset()


def _consumer(error: HttpError, said: str) -> str:
    """The project whose services a refusal is about: its number as a rule.

    https://docs.cloud.google.com/service-usage/docs/reference/rest/v1/ErrorReason
    """
    for one in json.loads(error.content)["error"].get("details", []):
        if consumer := one.get("metadata", {}).get("consumer"):
            return str(consumer).removeprefix("projects/")
    named = _OFF_IN.search(said)
    return named[1] if named else ""


def _details(details: list[Json]) -> Iterator[str]:
    """Whom and what a refusal names besides, in the forms in which policies are refused.

    https://docs.cloud.google.com/apis/design/errors#error_payloads
    """
    for one in details:
        if one.get("member"):  # ProjectIamPolicyError, of Resource Manager
            yield f"{one['member']}: {one.get('type', '')}."
        for violation in one.get("violations", []):
            yield str(violation.get("description", ""))
            yield f"({violation['type']})" if violation.get("type") else ""
