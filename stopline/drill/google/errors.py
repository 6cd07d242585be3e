"""Google's error bodies, in the two styles that its services answer with.

https://cloud.google.com/apis/design/errors and
https://cloud.google.com/storage/docs/json_api/v1/status-codes
"""

from dataclasses import dataclass, field

from stopline.text import Json

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}
_REASON = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    409: "conflict",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
    501: "notImplemented",
    503: "backendError",
}


@dataclass
class GoogleError(Exception):
    """An answer that is not success. `status` and `reason` follow from the code when empty."""

    code: int
    message: str
    status: str = ""
    reason: str = ""
    details: list[Json] = field(default_factory=list)

    def body(self, *, legacy: bool) -> Json:
        """The body as a service writes it; `legacy` ones (Storage, Directory) know no status."""
        reason = self.reason or _REASON.get(self.code, "backendError")
        error: dict[str, Json] = {"code": self.code, "message": self.message}
        if legacy:
            entry = {"domain": "global", "reason": reason, "message": self.message}
            return {"error": {**error, "errors": [entry]}}
        error["status"] = self.status or _STATUS.get(self.code, "UNKNOWN")
        if self.details:
            error["details"] = self.details
        return {"error": error}


def not_found(what: str) -> GoogleError:
    """What is asked for does not exist."""
    return GoogleError(404, f"{what} was not found.")


def invalid(message: str, field_name: str = "") -> GoogleError:
    """The request is wrong in itself; the field at fault is named where there is one."""
    violation = {"field": field_name, "description": message}
    details = [
        {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    ]
    return GoogleError(400, message, details=details if field_name else [])


def precondition(message: str, details: list[Json] | None = None) -> GoogleError:
    """The request is right, the state of the estate forbids it."""
    reason = "failedPrecondition"
    return GoogleError(400, message, "FAILED_PRECONDITION", reason, details or [])
