"""What an organization could refuse the vendor at once, and what of ours stands there already.

It is looked at in few calls, whatever its size: two lists of policies, the root, and the accounts
of the vendor's file. How much room there is at another place than the root, the write tells.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

from stopline.connectors.aws import marks
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import gone
from stopline.connectors.aws.faults import translated
from stopline.connectors.aws.levers import NAME
from stopline.connectors.aws.organizing import (
    CONTROLS,
    ORGANIZATIONS,
    RESOURCE,
    SERVICE,
    Control,
    attached,
    content,
    listed,
    state_of,
    targets,
)
from stopline.connectors.aws.policy import account_of
from stopline.errors import ConnectorError
from stopline.estate import AwsOrganization
from stopline.model import Address, Counted, Found, Gap, Grant, Seen, State
from stopline.text import Json
from stopline.vendors import AwsSelectors

PRINCIPALS, RESOURCES, MEMBER = "organization-principals", "organization-resources", "member"
ENABLED = "ENABLED"
WHAT = "the organization's policies, so no fast cut"


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom policies could name: by the vendor's file, and by what was read in which accounts.

    In an account that was not read, a path of the vendor's may hold whom others share.
    """

    selectors: AwsSelectors
    own: tuple[str, ...]
    read: tuple[str, ...]


def discover(clients: Clients, whom: Whom) -> Iterator[Found]:
    """Yield what one organization shows; one that cannot be read is a gap, and stops nothing."""
    organization = clients.estate.organization
    if organization is None:
        return
    try:
        yield from list(_looked(clients, organization, whom))
    except ConnectorError as error:
        yield Gap(NAME, organization.id, WHAT, error.detail)
    except (KeyError, IndexError, ValueError) as error:  # not as AWS documents it
        detail = translated(error, "the organization", writing=False).detail
        yield Gap(NAME, organization.id, WHAT, detail)


def _looked(clients: Clients, organization: AwsOrganization, whom: Whom) -> Iterator[Found]:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListRoots.html"""
    realm = organization.id
    said = clients.ask(realm, ORGANIZATIONS, "describe_organization")["Organization"]
    if said["Id"] != realm:
        step = "correct `aws.organization` of the estate's file"
        detail = f"the role there is in the organization {said['Id']}, not in {realm}; {step}"
        yield Gap(NAME, realm, WHAT, detail)
        return
    root = clients.pages(realm, ORGANIZATIONS, "list_roots")[0]["Roots"][0]
    states: dict[str, Json] = {}
    for kind, control in CONTROLS.items():
        ids = listed(clients, realm, control)
        ours = {n: i for n, i in sorted(ids.items()) if marks.journal_of_control(n)}
        yield Counted(NAME, realm, f"{kind}-policy", len(ids))
        yield from _seen(clients, realm, kind, ours)
        states[control.type] = {
            "enabled": enabled(root, control),
            "root": root["Id"],
            "attached": _strangers(clients, realm, root, control),
            "marks": sorted({marks.journal_of_control(n) for n in ours}),
        }
    members = yield from _members(clients, realm, whom.selectors)
    limited = replace(whom, read=tuple(a for a in whom.read if a != said["MasterAccountId"]))
    yield from _grants(clients, realm, limited, states)
    for account in members:
        state = {
            **states[SERVICE.type],
            "attached": _strangers(clients, realm, {"Id": account, **_ON}, SERVICE),
            "management": said["MasterAccountId"] == account,
        }
        via = "an account of the vendor's file is in the organization"
        arn = f"arn:aws:iam::{account}:root"
        yield Grant(Address(NAME, realm, MEMBER, account), State.of(state), arn, MEMBER, arn, via)


_ON = {"PolicyTypes": [{"Type": c.type, "Status": ENABLED} for c in CONTROLS.values()]}


def enabled(root: Json, control: Control) -> bool:
    """Whether policies of a type have any effect in the organization."""
    found = {t["Type"]: t["Status"] for t in root.get("PolicyTypes", ())}
    return found.get(control.type) == ENABLED


def _strangers(clients: Clients, realm: str, target: Json, control: Control) -> int:
    """How many policies that are not stopline's are attached to a target."""
    if not enabled(target, control):
        return 0
    names = attached(clients, realm, target["Id"], control)
    return sum(not marks.journal_of_control(name) for name in names)


def _seen(clients: Clients, realm: str, kind: str, ours: dict[str, str]) -> Iterator[Seen]:
    """Every policy of a stopline journal, and whatever it is attached to."""
    for name, id_ in ours.items():
        state = State.of({"document": content(clients, realm, id_)})
        yield Seen(Address(NAME, realm, f"{kind}-policy", name), state)
        for target in targets(clients, realm, id_):
            where = Address(NAME, realm, f"{kind}-attachment", f"{target}#{name}")
            yield Seen(where, state_of(name))


def members(clients: Clients, selectors: AwsSelectors) -> frozenset[str] | None:
    """The accounts of the vendor's file that are in the lab's organization; None: nobody knows."""
    organization = clients.estate.organization
    if organization is None:
        return None
    looked = _members(clients, organization.id, selectors)
    while True:
        try:
            next(looked)
        except StopIteration as end:
            return frozenset(end.value)
        else:
            return None  # a gap


def _members(
    clients: Clients, realm: str, selectors: AwsSelectors
) -> Generator[Gap, None, list[str]]:
    """The accounts of the vendor's file that are in the organization.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html
    """
    found: list[str] = []
    for account in selectors.accounts:
        try:
            clients.ask(realm, ORGANIZATIONS, "describe_account", AccountId=account)
            found.append(account)
        except ConnectorError as error:
            if not gone(error):
                what = f"whether {account} is in the organization"
                yield Gap(NAME, realm, what, error.detail)
    return found


def _grants(clients: Clients, realm: str, whom: Whom, states: dict[str, Json]) -> Iterator[Grant]:
    """One for each kind of policy, where it could name somebody."""
    theirs = whom.selectors.accounts
    own = sorted(arn for arn in whom.own if account_of(arn) not in theirs)
    outside = sorted(a for a in theirs if a not in clients.estate.accounts)
    who = f"organization {realm}"
    if own and whom.read:
        state = State.of({**states[SERVICE.type], "own": own, "within": sorted(whom.read)})
        via = "the vendor's principals in the lab's accounts"
        yield Grant(Address(NAME, realm, PRINCIPALS, realm), state, who, PRINCIPALS, realm, via)
    if outside:
        state = State.of({**states[RESOURCE.type], "accounts": outside})
        via = "the vendor's own accounts"
        yield Grant(Address(NAME, realm, RESOURCES, realm), state, who, RESOURCES, realm, via)
