"""API Gateway: keys of the vendor's, which are switches, and APIs whose policy lets it in.

A key is switched off and on again. A policy of an API is found and named, and left to a person: an
edit of it counts only once the API is deployed anew, and that publishes whatever else somebody has
changed in it since. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies.html
"""

import json
from collections.abc import Iterator, Mapping

from stopline.connectors.aws import policy
from stopline.connectors.aws.kinds import (
    Call,
    Edit,
    Entry,
    Left,
    Share,
    Theirs,
    Way,
    Where,
    by_tag,
)
from stopline.connectors.aws.selection import Reach
from stopline.text import Json

SERVICE = "apigateway"
ON: Json = {"enabled": True}


# --- keys ----------------------------------------------------------------------------------------


def whose(_: Where, page: Json, reach: Reach) -> Theirs | None:
    """Named in the vendor's file by its id, or by a tag. Its name vouches for nothing."""
    if str(page["id"]) in reach.selectors.api_keys:
        return Theirs("named by its id")
    tags: Mapping[str, str] = page.get("tags") or {}
    return by_tag(tags, reach.selectors)


def _entries(page: Json) -> Iterator[Entry]:
    if page.get("enabled"):
        yield Entry("", str(page.get("name") or page["id"]), ON)


def _switched(to: str) -> Edit:
    patch = [{"op": "replace", "path": "/enabled", "value": to}]
    return Edit("update_api_key", lambda w, _: {"apiKey": w.name, "patchOperations": patch})


API_KEYS = Share(
    # The key's own value is never asked for.
    # https://docs.aws.amazon.com/apigateway/latest/api/API_GetApiKeys.html
    kind="api-key",
    contains="api-keys",
    what="key of API Gateway",
    service=SERVICE,
    listing="get_api_keys",
    items="items",
    name=lambda item: str(item["id"]),
    page=lambda item: item,
    get=Call("get_api_key", lambda w, _: {"apiKey": w.name}),
    entries=_entries,
    # https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateApiKey.html
    give=_switched("true"),
    take=_switched("false"),
    arn="arn:aws:apigateway:{region}::/apikeys/{name}",
    off="switch off",
    whose=whose,
    outlives=(("requests that API Gateway has let in already", "until they end"),),
)


# --- policies of APIs ----------------------------------------------------------------------------


def _let_in(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    text = str(item.get("policy") or "")
    ways = policy.admitted(_read(text), "execute-api:*", reach.vendors).vendor if text else ()
    if ways:
        arn = f"arn:aws:apigateway:{where.region}::/restapis/{where.name}"
        on = f"arn:aws:execute-api:{where.region}:{where.account}:{where.name}"
        said = {"name": str(item.get("name") or where.name)}
        yield Way(where.id, arn, said, on, "; ".join(f"api policy: {way}" for way in ways))


def _read(text: str) -> Json:
    """A policy as API Gateway shows it: quotes and slashes escaped, as within a JSON text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = json.loads(json.loads(f'"{text}"'))
    if not isinstance(found, dict):
        raise ValueError("it is no policy")  # noqa: TRY004 - as what is no JSON at all
    return found


APIS = Left(
    # https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html
    kind="api",
    contains="apis",
    service=SERVICE,
    listing="get_rest_apis",
    items="items",
    name=lambda item: str(item["id"]),
    asked=lambda _, _reach: ({},),
    ways=_let_in,
    reason=(
        "the policy of the API {name} lets the vendor in, and an edit of it counts only once the "
        "API is deployed anew, which publishes all else that was changed since: take the vendor "
        "out of it and deploy it by hand"
    ),
)
