"""What a service writes as a whole only, with one entry in it that is ours to take: a table. Pure.

The whole is read right before it is written, and everything but the entry is sent as it is: what is
not sent would be set to its default. Where the service has a concurrency tag the write hangs on it;
what was sent must read back.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from stopline.connectors.aws.kinds import (
    FOREVER,
    Call,
    Edit,
    Entry,
    Share,
    Theirs,
    Where,
    by_arn,
    named,
)
from stopline.connectors.aws.policy import matches
from stopline.connectors.aws.pools import IN_POOLS, pool_of
from stopline.connectors.aws.selection import Reach
from stopline.errors import ConnectorError
from stopline.receipts import Cause
from stopline.text import Json, canonical, sha256

GLOBAL = "us-east-1"
"""Whose endpoint answers for what is in no region.
https://docs.aws.amazon.com/general/latest/gr/cf_region.html"""


# --- key groups of CloudFront --------------------------------------------------------------------


def _keys(page: Json) -> Iterator[Entry]:
    for key in page["KeyGroup"]["KeyGroupConfig"].get("Items") or ():
        yield Entry(str(key), str(key), {"key": str(key)})


def _group(where: Where, page: Json) -> Json:
    config = page["KeyGroup"]["KeyGroupConfig"]
    return {"Id": where.name, "KeyGroupConfig": config, "IfMatch": page.get("ETag", "")}


def _with(words: Json, entry: Json, *, also: bool) -> Json:
    config = words["KeyGroupConfig"]
    kept = [key for key in config.get("Items") or () if key != entry["key"]]
    items = [*kept, entry["key"]] if also else kept
    return {**words, "KeyGroupConfig": {**config, "Items": items}}


_KEYS_BY_HAND = """\
import json, sys
verb, entry, now = sys.argv[1], json.loads(sys.argv[2]), json.load(sys.stdin)
config = now["KeyGroup"]["KeyGroupConfig"]
kept = [key for key in config["Items"] if key != entry["key"]]
config["Items"] = kept + ([entry["key"]] if verb == "give" else [])
print(json.dumps({"Id": now["KeyGroup"]["Id"], "IfMatch": now["ETag"], "KeyGroupConfig": config}))
"""
KEY_GROUPS = Share(
    # CloudFront has no order of the keys in a group, and takes no group without one.
    # https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateKeyGroup.html
    kind="key-group-key",
    contains="key-groups",
    what="CloudFront key group",
    noun="public key",
    service="cloudfront",
    only_in=GLOBAL,
    listing="list_key_groups",
    items="KeyGroupList.Items",
    asked=lambda _, reach: ({},) if reach.selectors.public_keys else (),
    name=lambda item: str(item["KeyGroup"]["Id"]),
    page=lambda item: item,
    get=Call("get_key_group", named("Id")),
    entries=_keys,
    names=lambda entry, reach: entry.who in reach.selectors.public_keys,
    whole=_group,
    loose=("IfMatch",),
    moved=("PreconditionFailed", "InvalidIfMatchVersion"),
    give=Edit("update_key_group", onto=lambda words, entry: _with(words, entry, also=True)),
    take=Edit("update_key_group", onto=lambda words, entry: _with(words, entry, also=False)),
    by_hand=_KEYS_BY_HAND,
    needs_one=True,
    arn="arn:aws:cloudfront::{account}:key-group/{name}",
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
    outlives=(
        ("edges of CloudFront that the change has not reached yet", "for some minutes"),
        ("what was read over URLs that the vendor had signed", "for ever"),
    ),
    looked=False,
)


# --- app clients of user pools -------------------------------------------------------------------

CLIENT_ACTIONS = frozenset(
    {"cognito-idp:DescribeUserPoolClient", "cognito-idp:ListUserPoolClients"}
)
"""What reading them needs besides; the first shows a client's secret."""
FLAG = "AllowedOAuthFlowsUserPoolClient"
OAUTH = (
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "CallbackURLs",
    "DefaultRedirectURI",
    "LogoutURLs",
)
"""What a client may have only while the flag is true."""
UNSENT = ("ClientSecret", "ClientType", "CreationDate", "LastModifiedDate", "Unknown")
"""What is shown of a client and no write takes; its secret stays the one that it was."""


def _oauth(page: Json) -> Iterator[Entry]:
    client = page["UserPoolClient"]
    if client.get(FLAG):
        said = {key: _in_order(client[key]) for key in OAUTH if client.get(key)}
        more = {"more": ", ".join(client["Unknown"])} if client.get("Unknown") else {}
        who = str(client.get("ClientName") or client["ClientId"])
        yield Entry("", who, {FLAG: True, **said, **more})


def _in_order(value: Any) -> Json:
    return sorted(map(str, value)) if isinstance(value, list) else str(value)


def _client(_: Where, page: Json) -> Json:
    return {k: v for k, v in page["UserPoolClient"].items() if k not in UNSENT}


def _shut(words: Json, _: Json) -> Json:
    return {**{k: v for k, v in words.items() if k not in OAUTH}, FLAG: False}


def _opened(words: Json, entry: Json) -> Json:
    """What somebody has set meanwhile stays; of OAuth, what is not there is as it was."""
    return {**words, **{k: v for k, v in entry.items() if not words.get(k)}, FLAG: True}


def of_client(where: Where, _: Json, reach: Reach) -> Theirs | None:
    """Everything in a pool of the vendor's; elsewhere by the client's id, which nobody chooses."""
    if matches(reach.vendors.providers, pool_of(where)):
        return Theirs(f"in user pool {where.name.partition(':')[0]}")
    if where.last in reach.selectors.app_clients:
        return Theirs("app client that the vendor's file names")
    return None


def clients_asked(where: Where, reach: Reach) -> tuple[Json, ...]:
    """A pool is looked into where the vendor's file names clients, or the pool as the vendor's."""
    wanted = reach.selectors.app_clients or matches(reach.vendors.providers, pool_of(where))
    return ({},) if wanted else ()


_OAUTH_BY_HAND = f"""\
import json, sys
verb, entry, now = sys.argv[1], json.loads(sys.argv[2]), json.load(sys.stdin)["UserPoolClient"]
words = {{k: v for k, v in now.items() if k not in {UNSENT!r}}}
shut = {{k: v for k, v in words.items() if k not in {OAUTH!r}}}
back = {{**words, **{{k: v for k, v in entry.items() if not words.get(k)}}}}
print(json.dumps({{**(back if verb == "give" else shut), {FLAG!r}: verb == "give"}}))
"""
APP_CLIENTS = Share(
    # Without the flag no token is given by OAuth, to a client's own credentials either, and only
    # people sign in by it, by the SDK and with passwords of their own. Nothing switches that off.
    # https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateUserPoolClient.html
    kind="app-client",
    contains="app-clients",
    what="app client of a Cognito pool",
    inner=(Call("list_user_pool_clients", named("UserPoolId")), "UserPoolClients", "ClientId"),
    asked_in=clients_asked,
    # What shows a client shows its secret: nobody's is asked for but the vendor's.
    picked=lambda where, _, reach: of_client(where, None, reach) is not None,
    get=Call(
        "describe_user_pool_client",
        lambda w, _: {"UserPoolId": w.name.partition(":")[0], "ClientId": w.last},
    ),
    entries=_oauth,
    whose=of_client,
    whole=_client,
    loose=OAUTH,
    moved=("ConcurrentModificationException",),
    give=Edit("update_user_pool_client", onto=_opened),
    take=Edit("update_user_pool_client", onto=_shut),
    by_hand=_OAUTH_BY_HAND,
    off="end OAuth of",
    felt="whoever signs in by it at Cognito's own page cannot any more",
    outlives=(
        ("tokens that it was given before", "PT24H"),
        ("people who sign in by it with the SDK, with their own passwords", "until they are off"),
    ),
    looked=False,
    **IN_POOLS,
)


# --- applications of the Serverless Application Repository ---------------------------------------

_APPLICATION = "arn:aws:serverlessrepo:{region}:{account}:applications/{name}"


def _lets_in(page: Json) -> Iterator[Entry]:
    """Each principal of each statement; everybody of an organisation is that organisation."""
    for said in page.get("Statements") or ():
        rest = _but_whom(said)
        part = rest.get("StatementId") or f"~{sha256(canonical(rest))[:12]}"
        for who in map(str, said.get("Principals") or ()):
            state = {"statement": rest, "principal": who}
            if who != "*" or not rest.get("PrincipalOrgIDs"):
                yield Entry(f"{part}/{who}", who, state)
                continue
            for one in rest["PrincipalOrgIDs"]:
                named_ = f"arn:aws:organizations:::organization/{one}"
                yield Entry(f"{part}/{one}", named_, state)


def _but_whom(statement: Json) -> Mapping[str, Json]:
    """What a statement says, but for whom it lets in; its lists have no order."""
    said = {k: v for k, v in statement.items() if k != "Principals" and v}
    return {k: sorted(v) if isinstance(v, list) else v for k, v in said.items()}


def _policy(where: Where, page: Json) -> Json:
    return {**_application(where, None), "Statements": page.get("Statements") or []}


def _application(where: Where, _: Json) -> Json:
    return by_arn(_APPLICATION, "ApplicationId")(where, "")


def _taken_out(words: Json, entry: Json) -> Json:
    """A statement that lets in nobody any more goes with its last principal."""
    made = []
    for said in words["Statements"]:
        whom = said.get("Principals") or []
        if _but_whom(said) == entry["statement"]:
            whom = [who for who in whom if who != entry["principal"]]
        made += [{**said, "Principals": whom}] if whom else []
    return {**words, "Statements": made}


def _put_back(words: Json, entry: Json) -> Json:
    """Raises ConnectorError where its statement says something else now: it would get that."""
    rest, out = entry["statement"], _taken_out(words, entry)["Statements"]
    for said in out:
        if _but_whom(said) == rest:
            said["Principals"] = [*said["Principals"], entry["principal"]]
            return {**words, "Statements": out}
        if rest.get("StatementId") and said.get("StatementId") == rest["StatementId"]:
            what = f"the statement {rest['StatementId']} says something else now"
            raise ConnectorError(Cause.REFUSED, f"{words['ApplicationId']}: {what}")
    return {**words, "Statements": [*out, {**rest, "Principals": [entry["principal"]]}]}


_POLICY_BY_HAND = """\
import json, sys
verb, entry, now = sys.argv[1], json.loads(sys.argv[2]), json.load(sys.stdin)
rest, who, made = entry["statement"], entry["principal"], []
def but_whom(said):
    said = {k: v for k, v in said.items() if k != "Principals" and v}
    return {k: sorted(v) if isinstance(v, list) else v for k, v in said.items()}
for said in now.get("Statements") or []:
    whom = said["Principals"]
    if but_whom(said) == rest:
        whom = [one for one in whom if one != who] + ([who] if verb == "give" else [])
        verb = "done"
    elif verb == "give" and said.get("StatementId") == rest.get("StatementId", ""):
        sys.exit("the statement says something else now: give it back by hand")
    made += [{**said, "Principals": whom}] if whom else []
made += [{**rest, "Principals": [who]}] if verb == "give" else []
print(json.dumps({"Statements": made}))
"""
APPLICATIONS = Share(
    # The service has no tag: what a stranger sets between our read and our write is lost.
    # https://docs.aws.amazon.com/serverlessrepo/latest/devguide/sharing-lambda-apps.html
    kind="application-principal",
    contains="serverless-applications",
    what="serverless application",
    service="serverlessrepo",
    listing="list_applications",
    items="Applications",
    name=lambda item: str(item["ApplicationId"]).partition(":applications/")[2],
    get=Call("get_application_policy", by_arn(_APPLICATION, "ApplicationId")),
    entries=_lets_in,
    whole=_policy,
    give=Edit("put_application_policy", _application, onto=_put_back),
    take=Edit("put_application_policy", _application, onto=_taken_out),
    by_hand=_POLICY_BY_HAND,
    arn=_APPLICATION,
    outlives=(("applications that the vendor has deployed, and copies of them", FOREVER),),
)
