"""Whether a service is switched on, and in whose project that counts.

https://cloud.google.com/service-usage/docs/enabled-service and
https://cloud.google.com/docs/quotas/quota-project#project-client-resource
"""

import re

from stopline.drill.google.documents import Method, document
from stopline.drill.google.errors import GoogleError
from stopline.drill.google.principals import CLOUD, Caller
from stopline.drill.google.state import State

_OF_RESOURCE = frozenset(
    {"artifactregistry", "bigquery", "cloudkms", "pubsub", "run", "secretmanager"}
)
"""Whose calls count against the project that is asked about; all others', against the caller's."""
_PROJECT = re.compile(r"(?:^|/)projects/([^/]+)")
_OF_ACCOUNT = re.compile(r"serviceAccount:[^@]+@([a-z0-9-]+)\.iam\.gserviceaccount\.com")


def require_on(state: State, caller: Caller, method: Method, names: dict[str, str]) -> None:
    """Raise GoogleError 403 where the service is off in the project whose call this is."""
    root = str(document(method.api, method.version)["rootUrl"])
    host = root.removeprefix("https://").rstrip("/")
    if not any(host == service for _, service in state.services_off):
        return
    project = _asked(names) if method.api in _OF_RESOURCE else ""
    of_caller = _OF_ACCOUNT.fullmatch(caller.member)
    project = state.project_id(project) or (of_caller[1] if of_caller else "")
    if (project, host) in state.services_off:
        raise _off(state, project, host, str(document(method.api, method.version)["title"]))


def _asked(names: dict[str, str]) -> str:
    found = (_PROJECT.search(value) for value in names.values())
    return names.get("projectId") or next((hit[1] for hit in found if hit), "")


def _off(state: State, project: str, host: str, title: str) -> GoogleError:
    host_project = state.resources.get(f"{CLOUD}projects/{project}")
    number = host_project.number if host_project is not None else project
    message = (
        f"{title} has not been used in project {number} before or it is disabled. Enable it by "
        f"visiting https://console.developers.google.com/apis/api/{host}/overview?project={number} "
        "then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": host, "consumer": f"projects/{number}"},
    }
    return GoogleError(403, message, reason="accessNotConfigured", details=[info])
