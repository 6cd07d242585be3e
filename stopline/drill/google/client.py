"""Google's own client, pointed at the emulated Google."""

import copy

from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.http import build_http

from stopline.drill.google.documents import document
from stopline.text import Json

SECONDS = 20


def service(url: str, api: str, version: str, token: str = "", project: str = "") -> Json:
    """A client of one API that calls as the bearer of a token, anonymously without one.

    Close it after use. `project` is the quota project. Media and batches go to the same address.
    """
    told = copy.deepcopy(document(api, version))
    told["rootUrl"] = f"{url}/{api}/{version}/"
    told.pop("mtlsRootUrl", None)
    http = build_http()
    http.timeout = SECONDS
    if token:
        held = Credentials(token=token, quota_project_id=project or None)  # type: ignore[no-untyped-call]
        http = AuthorizedHttp(held, http=http, refresh_status_codes=())
    return build_from_document(told, http=http)
