"""Who a caller is: what a bearer token names, and every form in which a policy can mean it.

https://cloud.google.com/iam/docs/principal-identifiers
"""

import re
from dataclasses import dataclass

from stopline.drill.google.errors import GoogleError
from stopline.drill.google.state import Resource, State

CLOUD = "//cloudresourcemanager.googleapis.com/"
ACCOUNT = "iam.googleapis.com/ServiceAccount"
KEY = "iam.googleapis.com/ServiceAccountKey"
HMAC = "storage.googleapis.com/HmacKey"
POOL = "iam.googleapis.com/WorkloadIdentityPool"
WORKFORCE = "iam.googleapis.com/WorkforcePool"
PROVIDER = "iam.googleapis.com/WorkloadIdentityPoolProvider"
SUBJECT = "iam.googleapis.com/Subject"
USER = "admin.googleapis.com/User"
GROUP = "cloudidentity.googleapis.com/Group"
MEMBER = "cloudidentity.googleapis.com/Membership"

ANYONE = "allUsers"
_FEDERATED = re.compile(
    r"principal://iam\.googleapis\.com/"
    r"((?:projects/(\d+)/)?locations/global/(?:workloadIdentityPools|workforcePools)/[a-z0-9-]+)"
    r"/subject/(.+)"
)


@dataclass(frozen=True)
class Caller:
    """Who calls. `member` as a policy would name it."""

    member: str
    refusal: str = ""
    """Why the credential itself is refused; empty when it is good."""

    all_powerful: bool = False


def email_of(member: str) -> str:
    """The address in `user:a@b`, in small letters; empty where there is none."""
    kind, _, rest = member.partition(":")
    return rest.lower() if kind in ("user", "serviceAccount", "group") else ""


def account_of(state: State, email: str) -> Resource | None:
    """The service account of an address, also one outside of our organisation."""
    return state.by_email(ACCOUNT, email)


def caller_of(state: State, token: str) -> Caller:
    """Who a bearer token stands for.

    `user:E`, `serviceAccount:E`, `principal://…/subject/S`, `key:N` (a token asked for with
    the key of that id just now), `hmac:ID`, an operator's name, or nothing at all.
    """
    if not token:
        return Caller(ANYONE)
    if token in state.operators:
        return Caller("", all_powerful=True)
    kind, _, ident = token.partition(":")
    if kind in ("key", "hmac"):
        return (_by_key if kind == "key" else _by_hmac)(state, ident)
    if token.startswith("principal://"):
        return Caller(token, _pool_refusal(state, token))
    if email_of(token):
        return Caller(token, _identity_refusal(state, token))
    return Caller(ANYONE, "Request had invalid authentication credentials.")


def _by_key(state: State, key_id: str) -> Caller:
    for key in state.of_kind(KEY):
        if key.name.endswith(f"/keys/{key_id}"):
            email = key.parent.rpartition("/")[2]
            member = f"serviceAccount:{email}"
            off = "The key is disabled." if key.data.get("disabled") else ""
            return Caller(member, off or _identity_refusal(state, member))
    return Caller(ANYONE, "Invalid JWT Signature.")


def _by_hmac(state: State, access_id: str) -> Caller:
    for key in state.of_kind(HMAC):
        if key.data.get("accessId") == access_id:
            member = f"serviceAccount:{key.data['serviceAccountEmail']}"
            off = "" if key.data.get("state") == "ACTIVE" else "The HMAC key is not active."
            return Caller(member, off or _identity_refusal(state, member))
    return Caller(ANYONE, "The access id does not exist.")


def _identity_refusal(state: State, member: str) -> str:
    email = email_of(member)
    if member.startswith("serviceAccount:"):
        account = account_of(state, email)
        if account is not None and account.data.get("disabled"):
            return "The service account is disabled."
        return "" if account is not None else "The service account does not exist."
    user = state.by_email(USER, email)
    if user is None:
        ours = state.is_ours(email.rpartition("@")[2])
        return "The user does not exist." if ours else ""
    if user.data.get("archived"):
        return "The user is archived."
    return "The user is suspended." if user.data.get("suspended") else ""


def _pool_refusal(state: State, member: str) -> str:
    found = _FEDERATED.fullmatch(member)
    if not found:
        return "The principal is no subject of a pool."
    pool = state.resources.get(_pool_name(state, found))
    if pool is None or pool.data.get("state") == "DELETED":
        return "The pool does not exist."
    return "The pool is disabled." if pool.data.get("disabled") else ""


def identities(state: State, caller: Caller) -> frozenset[str]:
    """Every member text of an allow policy that means the caller, in small letters."""
    if caller.member == ANYONE:
        return frozenset({ANYONE.lower()})
    found = {ANYONE.lower(), "allauthenticatedusers", caller.member.lower()}
    email = email_of(caller.member)
    if caller.member.startswith("user:"):
        found.add(f"domain:{email.rpartition('@')[2]}")
    if caller.member.startswith("serviceAccount:"):
        found |= _type_sets(state, email)
    if federated := _FEDERATED.fullmatch(caller.member):
        found |= _federated(state, federated)
        found -= {"allauthenticatedusers"}
    seen: set[str] = set()
    _groups(state, email or caller.member.lower(), seen)
    return frozenset(found | {f"group:{g}" for g in seen})


def _groups(state: State, email: str, seen: set[str]) -> None:
    """All groups that hold an address, directly or through others."""
    for parent in state.groups_of(email):
        if parent not in seen:
            seen.add(parent)
            _groups(state, parent, seen)


def _type_sets(state: State, email: str) -> set[str]:
    account = account_of(state, email)
    found = set()
    for up in state.upwards(account.parent) if account else ():
        kind, _, ident = up.short.partition("/")
        found.add(f"principalset:{CLOUD}{kind}/{up.number or ident}/type/serviceaccount")
    return found


def _pool_name(state: State, found: re.Match[str]) -> str:
    """The full name of the pool of a federated principal, by its project's id."""
    pool, number = found[1], found[2]
    if number:
        pool = pool.replace(f"projects/{number}/", f"projects/{state.project_id(number)}/", 1)
    return f"//iam.googleapis.com/{pool}"


def _federated(state: State, found: re.Match[str]) -> set[str]:
    base = f"principalSet://iam.googleapis.com/{found[1]}"
    subject = state.resources.get(f"{_pool_name(state, found)}/subjects/{found[3]}")
    sets = {f"{base}/*"}
    if subject is not None:
        sets |= {f"{base}/group/{g}" for g in subject.data.get("groups", [])}
        attributes = subject.data.get("attributes", {})
        sets |= {f"{base}/attribute.{k}/{v}" for k, v in attributes.items()}
    return {s.lower() for s in sets}


def denied_as(state: State, caller: Caller) -> frozenset[str]:
    """Every text of a deny policy that means the caller.

    https://cloud.google.com/iam/docs/principal-identifiers#v2
    """
    found = {"principalSet://goog/public:all"}
    email = email_of(caller.member)
    if caller.member.startswith("user:"):
        found.add(f"principal://goog/subject/{email}")
        customer = state.customer_of(email.rpartition("@")[2])
        found |= {f"principalSet://goog/cloudIdentityCustomerId/{customer}"} if customer else set()
    elif email:
        found.add(f"principal://iam.googleapis.com/projects/-/serviceAccounts/{email}")
    elif caller.member.startswith("principal://"):
        found |= {caller.member.lower(), *_lower_sets(state, caller)}
    for text in identities(state, caller):
        if text.startswith("group:"):
            found.add(f"principalSet://goog/group/{text.removeprefix('group:')}")
    return frozenset(f.lower() for f in found)


def _lower_sets(state: State, caller: Caller) -> set[str]:
    found = _FEDERATED.fullmatch(caller.member)
    return _federated(state, found) if found else set()


def require_good(caller: Caller) -> None:
    """Refuse a caller whose credential is refused. Raises GoogleError 401."""
    if caller.refusal:
        raise GoogleError(401, caller.refusal)
