"""API Gateway: keys of the vendor's, which are switches, and APIs whose policy lets it in.

A key is switched off and on again. A policy of an API is found and named, and left to a person: an
edit of it counts only once the API is deployed anew, and that publishes whatever else somebody has
changed in it since. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from stopline.connectors.aws import policy
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.kinds import Call, Edit, Entry, Share, Theirs, Where, by_tag
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.selection import Reach
from stopline.connectors.aws.storage import READERS_AT_ONCE
from stopline.errors import ConnectorError
from stopline.model import Address, Found, Gap, Grant, State
from stopline.text import Json

KIND, RESOURCE, SERVICE = "api", "apis", "apigateway"
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


def discover(clients: Clients, numbers: Sequence[str], reach: Reach) -> Iterator[Found]:
    """Yield the REST APIs whose policy lets the vendor in; what cannot be read is a gap.

    https://docs.aws.amazon.com/apigateway/latest/api/API_GetRestApis.html
    """
    if RESOURCE not in clients.estate.resources:
        return
    places = list(product(numbers, clients.regions))
    with ThreadPoolExecutor(READERS_AT_ONCE) as pool:
        for found in pool.map(lambda p: list(_region(clients, p[0], p[1], reach)), places):
            yield from found


def _region(clients: Clients, number: str, region: str, reach: Reach) -> Iterator[Found]:
    try:
        pages = clients.pages(number, f"{SERVICE}/{region}", "get_rest_apis")
    except ConnectorError as error:
        yield Gap(NAME, number, f"{RESOURCE} in {region}", error.detail)
        return
    for item in (item for page in pages for item in page.get("items") or ()):
        what = f"{KIND} {region}/{item.get('id', '?')}"
        try:
            yield from list(_api(number, region, item, reach))
        except (LookupError, ValueError) as error:  # no JSON, or not as API Gateway documents it
            yield Gap(NAME, number, what, translated(error, what, writing=False).detail)


def _api(number: str, region: str, item: Json, reach: Reach) -> Iterator[Grant]:
    text = str(item.get("policy") or "")
    ways = policy.admitted(_read(text), "execute-api:*", reach.vendors).vendor if text else ()
    if ways:
        yield Grant(
            Address(NAME, number, KIND, f"{region}/{item['id']}"),
            State.of({"name": str(item.get("name") or item["id"])}),
            f"arn:aws:apigateway:{region}::/restapis/{item['id']}",
            KIND,
            f"arn:aws:execute-api:{region}:{number}:{item['id']}",
            "; ".join(f"{KIND} policy: {way}" for way in ways),
        )


def _read(text: str) -> Json:
    """A policy as API Gateway shows it: quotes and slashes escaped, as within a JSON text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = json.loads(json.loads(f'"{text}"'))
    if not isinstance(found, dict):
        raise ValueError("it is no policy")  # noqa: TRY004 - as what is no JSON at all
    return found


def reason(grant: Grant) -> str:
    """What is left open, and what a person must do."""
    return (
        f"the policy of the API {grant.state.value['name']} lets the vendor in, and an edit of it "
        "counts only once the API is deployed anew, which publishes all else that was changed "
        "since: take the vendor out of it and deploy it by hand"
    )
