"""The vendor's people in user pools of Cognito: a row of the table of shares. Pure.

A person is a switch. Switched off, nobody signs in as it, and what was given to it before ends:
it is signed out everywhere first, since afterwards its tokens would live again with it.
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDisableUser.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from stopline.connectors.aws.kinds import Call, Edit, Entry, Share, Theirs, Where, named
from stopline.connectors.aws.people import is_theirs
from stopline.connectors.aws.policy import matches
from stopline.connectors.aws.selection import Reach
from stopline.model import Breadth
from stopline.text import Json

POOL = "arn:aws:cognito-idp:{region}:{account}:userpool/{name}"
ON: Json = {"Enabled": True}


def _attributes(page: Json) -> Mapping[str, str]:
    return {str(a["Name"]): str(a.get("Value", "")) for a in page.get("UserAttributes") or ()}


def _listed(item: Json) -> Json:
    """A list calls the attributes of a user otherwise than the call that shows one."""
    return {**item, "UserAttributes": item.get("Attributes") or ()}


def _entries(page: Json) -> Iterator[Entry]:
    if page.get("Enabled"):
        said = _attributes(page)
        yield Entry("", said.get("email") or str(page["Username"]), ON)


def pool_of(where: Where) -> str:
    """The ARN of the pool in which something is."""
    pool = where.name.partition(":")[0]
    return POOL.format(region=where.region, account=where.account, name=pool)


def asked_in(where: Where, reach: Reach) -> tuple[Json, ...]:
    """A pool is looked into where the vendor's file names people, or the pool as the vendor's."""
    wanted = reach.selectors.pool_users or matches(reach.vendors.providers, pool_of(where))
    return ({},) if wanted else ()


def counts(where: Where, reach: Reach) -> bool:
    """Nobody does in a pool that is looked into for no more than being the vendor's, by its name.

    A pattern that names it may be too wide, which only a share can tell.
    """
    named = _by_its_id(where.name.partition(":")[0], reach.vendors.providers)
    return bool(reach.selectors.pool_users) or not named


def whose(where: Where, page: Json, reach: Reach) -> Theirs | None:
    """Everybody in a pool of the vendor's; elsewhere by the whole user name or address.

    Who signs up chooses both: an address that the pool has verified alone vouches.
    """
    if matches(reach.vendors.providers, pool_of(where)):
        return Theirs(f"in user pool {where.name.partition(':')[0]}")
    said, wanted = _attributes(page), reach.selectors.pool_users
    mail = {"Emails": [{"Value": said.get("email", "")}]}
    if said.get("email_verified", "").lower() == "true" and is_theirs(mail, wanted):
        return Theirs("address that the pool has verified")
    if is_theirs({"UserName": page["Username"], **mail}, wanted):
        return Theirs("user name or address that nobody has verified", vouched=False)
    return None


def _user(where: Where, _: Json) -> Json:
    pool, _colon, user = where.name.partition(":")
    return {"UserPoolId": pool, "Username": unquote(user)}


IN_POOLS: Mapping[str, Any] = {
    "service": "cognito-idp",
    "listing": "list_user_pools",
    "items": "UserPools",
    "asked": lambda _, _reach: ({"MaxResults": 60},),
    "name": lambda item: str(item["Id"]),
    "arn": POOL,
}
"""What all rows say alike of what is inside a pool.
https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUserPools.html
"""
POOL_USERS = Share(
    kind="pool-user",
    contains="pool-users",
    what="user of a Cognito pool",
    inner=(Call("list_users", named("UserPoolId")), "Users", "Username"),
    asked_in=asked_in,
    counts=counts,
    page=_listed,
    get=Call("admin_get_user", lambda w, _: _user(w, None)),
    entries=_entries,
    # A user's name can be used again; its `sub` cannot.
    # https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
    uid=lambda page: _attributes(page).get("sub", ""),
    give=Edit("admin_enable_user", _user),
    take=Edit("admin_disable_user", _user, first="admin_user_global_sign_out"),
    off="switch off",
    whose=whose,
    breadth=Breadth.PRINCIPAL,
    outlives=(
        ("tokens that an app takes without asking Cognito, issued before", "PT24H"),
        (
            "credentials that an identity pool gave it before, of roles that stay open",
            "PT12H",
        ),
        ("what an app has kept of its own for a person who is signed in", "until the app ends it"),
    ),
    **IN_POOLS,
)


def of_pool(where: Where, pool: Json, reach: Reach) -> tuple[Theirs | None, str]:
    """How an identity pool is the vendor's; else, which provider of the vendor's is one way in.

    It is the vendor's where the file names it by its ARN, or where nobody comes in by it but over
    providers of the vendor's. `pool` is as `DescribeIdentityPool` shows it.
    https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_DescribeIdentityPool.html
    """
    arn = f"arn:aws:cognito-identity:{where.region}:{where.account}:identitypool/{where.name}"
    known = reach.vendors.providers
    if matches(known, arn):
        return Theirs(f"identity provider {where.name}"), ""
    over = [str(p) for k in _OVER for p in pool.get(k) or ()]
    users = (str(p.get("ProviderName", "")) for p in pool.get("CognitoIdentityProviders") or ())
    over += [_wherever(where, name.rpartition("/")[2], known) for name in users]
    theirs = [provider for provider in over if matches(known, provider)]
    open_to = pool.get("AllowUnauthenticatedIdentities") or pool.get("SupportedLoginProviders")
    if theirs and theirs == over and not open_to and not pool.get("DeveloperProviderName"):
        return Theirs("nobody comes in but over providers of the vendor's"), ""
    return None, next(iter(theirs), "")


_OVER = ("SamlProviderARNs", "OpenIdConnectProviderARNs")


def _wherever(where: Where, pool: str, known: Iterable[str]) -> str:
    """A user pool's ARN; its id tells its region, and only who names it tells another account.

    https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_CognitoIdentityProvider.html
    """
    own = pool_of(replace(where, region=pool.partition("_")[0], name=pool))
    return _by_its_id(pool, known) or own


def _by_its_id(pool: str, known: Iterable[str]) -> str:
    """Which of the ARNs names a user pool and no other; there are no two of one id."""
    return next((p for p in known if p.endswith(f":userpool/{pool}")), "")


def quoted(name: str) -> str:
    """A name as an address can hold it: nothing in it means anything there."""
    return quote(name, safe="@+._-")
