"""Before the night: rights, search, groups, room; and a canary that goes there and back."""

from dataclasses import replace

import pytest
from support.google import (
    CRM,
    DATA_TEAM,
    IAM,
    ORG,
    SUSPENDS,
    WORKER,
    account,
    binding,
    estate_of,
)
from support.google_drives import SHARED_DRIVE
from support.google_nights import Night, outcomes

from stopline.connectors.gcp import GcpConnector
from stopline.connectors.gcp.clients import OF_DRIVES, Clients
from stopline.connectors.gcp.permissions import roles, workspace
from stopline.drill.google.drive import name_of
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.drill.google.state import Resource
from stopline.errors import ConnectorError, UserError
from stopline.estate import Protected
from stopline.model import Scope
from stopline.preflight import CANARY_VENDOR, Check, Preflighted
from stopline.receipts import Outcome
from stopline.text import Json
from stopline.vendors import Vendor

TOP = f"{CRM}/organizations/{ORG}"
PROTECTED = Protected(orchestrator=(WORKER,), break_glass=(DATA_TEAM,))


def give(google: Google, *names: str, without: str = "") -> None:
    """Our account has the roles of config/permissions/gcp in the organisation, and nothing else."""
    for resource in google.state.resources.values():
        for held in resource.policy.get("bindings", []):
            held["members"] = [m for m in held["members"] if m != WORKER]
        if "bindings" in resource.policy:
            kept = [held for held in resource.policy["bindings"] if held["members"]]
            resource.policy = {"bindings": kept}
    top = google.state.get(TOP)
    for name in names:
        role = f"organizations/{ORG}/roles/{name}"
        said = roles()[name]
        said["includedPermissions"] = [p for p in said["includedPermissions"] if p != without]
        kind = "iam.googleapis.com/Role"
        google.state.add(Resource(f"{IAM}/{role}", kind, TOP, {"name": role, **said}))
        top.policy = {"bindings": [*top.policy["bindings"], binding(role, WORKER)]}


def checks(night: Night, protected: Protected = PROTECTED) -> dict[str, Check]:
    """What is found, by what was looked at."""
    return {check.name: check for check in night.connector.preflight(protected)}


def by(check: Check) -> str:
    """How a check ended."""
    return "fail" if not check.ok else "warn" if check.warn else "ok"


def test_the_roles_of_the_files_are_all_that_a_night_needs(night: Night) -> None:
    """Every right is there, the search and the groups answer, and there is room for a deny."""
    give(night.google, "worker")
    assert isinstance(night.connector, Preflighted)
    found = checks(night)
    assert {name.removeprefix(f"gcp {ORG} "): by(check) for name, check in found.items()} == {
        "reads as": "warn",
        "rights to read": "ok",
        "rights to write": "ok",
        "search": "ok",
        "groups": "ok",
        "workspace users": "ok",
        "workspace rights to write": "warn",
        f"shared drive {SHARED_DRIVE}": "ok",
        "deny policies": "ok",
    }
    assert "the worker's own credentials" in found[f"gcp {ORG} reads as"].found
    picture = night.picture()
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert not night.plan().gaps
    night.restore()
    assert night.picture() == picture


def test_a_right_that_is_missing_is_named_with_the_file_that_has_it(night: Night) -> None:
    """Of those to write, and of those to read; nothing is written to find out."""
    give(night.google, "worker", without="iam.denypolicies.create")
    writes = checks(night)[f"gcp {ORG} rights to write"]
    assert by(writes) == "fail"
    assert writes.found.endswith("not: iam.denypolicies.create")
    assert "config/permissions/gcp/worker.yaml" in writes.next_step
    give(night.google, "worker", without="storage.objects.list")
    reads = checks(night)[f"gcp {ORG} rights to read"]
    assert "not: storage.objects.list" in reads.found
    assert not [s for s in night.google.seen if ".create" in s.method or ".set" in s.method]


def test_what_is_switched_off_or_full_is_said(night: Night) -> None:
    """The search, groups, deny policies, and who is protected and is nobody."""
    google = night.google
    google.faults.add("cloudasset.v1.searchAllIamPolicies", Moment.BEFORE, 403)
    google.state.admins.clear()
    google.faults.add("iam.v2.policies.listPolicies", Moment.BEFORE, 403)
    del google.state.get(name_of(SHARED_DRIVE)).data["permissions"]
    nobody = "serviceAccount:gone@lab-data.iam.gserviceaccount.com"
    protected = Protected(orchestrator=(nobody, WORKER), break_glass=(DATA_TEAM,))
    found = checks(night, protected)
    for what in (
        "search",
        "groups",
        "workspace users",
        "deny policies",
        f"shared drive {SHARED_DRIVE}",
    ):
        assert by(found[f"gcp {ORG} {what}"]) == "fail", what
        assert found[f"gcp {ORG} {what}"].next_step
    absent = found["gcp protected orchestrator"]
    assert (by(absent), absent.found) == ("warn", f"nobody is {nobody}, as far as we may see")


def test_there_must_be_room_for_one_more_deny(night: Night) -> None:
    """Five hundred at one place are Google's most."""
    kind = "iam.googleapis.com/DenyPolicy"
    for number in range(500):
        short = f"policies/x/denypolicies/p{number}"
        night.google.state.add(Resource(f"{IAM}/{short}", kind, TOP, {"name": short}))
    assert by(checks(night)[f"gcp {ORG} deny policies"]) == "fail"


def test_an_account_that_no_guard_keeps_a_plan_from_is_a_warning(night: Night) -> None:
    """What stopline acts as must stand under `protected`."""
    clients = night.connector.clients
    named = {"service_account": WORKER.partition(":")[2]}
    clients.estate = clients.estate.model_copy(update=named)
    who = checks(night, Protected(break_glass=(DATA_TEAM,)))[f"gcp {ORG} reads as"]
    assert (by(who), "protected.orchestrator" in who.next_step) == ("warn", True)


def test_in_a_project_nobody_asks_for_rights_above_it(google: Google) -> None:
    """A realm of one project is asked about that project; one name from above fails it all."""
    gcp = estate_of(google).gcp
    assert gcp is not None
    alone = gcp.model_copy(update={"organization": None, "projects": ("lab-data",)})
    connector = GcpConnector(Clients(alone), 0.0)
    give(google, "worker")
    found = {c.name: c for c in connector.preflight(PROTECTED)}
    for what in ("read", "write"):
        assert by(found[f"gcp lab-data rights to {what}"]) == "ok"
        assert "all " in found[f"gcp lab-data rights to {what}"].found
    connector.clients.close()


# --- a canary ------------------------------------------------------------------------------------


@pytest.fixture
def flight(night: Night) -> Night:
    """The same with the canary's role, in the project of our own account."""
    give(night.google, "worker", "canary")
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"projects": ("lab-data",)})
    return night


def test_a_canary_is_contained_by_three_levers_given_back_and_removed(flight: Night) -> None:
    """Its plan is about itself alone, and nothing of it is left."""
    picture = flight.picture()
    made = flight.connector.make_canary(ORG, "0a1b2c3d")
    assert flight.connector.make_canary(ORG, "0a1b2c3d") == made
    flight.vendor = Vendor.model_validate({"vendor": CANARY_VENDOR, "gcp": made.vendor})
    scope = Scope(realms=(made.realm,), principals=made.principals)
    plan = flight.plan(scope)
    assert {c.principal for c in plan.work} == set(made.principals)
    assert {c.address.kind for c in plan.work} == {
        "deny-policy-entry",
        "allow-policy-entry",
        "service-account",
    }
    assert not plan.gaps
    assert not [skip for skip in plan.skips if skip.leaves_access]
    assert outcomes(flight.contain(scope)) == {Outcome.APPLIED}
    assert outcomes(flight.restore()) == {Outcome.APPLIED}
    assert list(flight.connector.remove_canary(made)) == []
    assert flight.picture() == picture
    assert list(flight.connector.remove_canary(made))  # it is gone: said, and no fault


def test_what_is_not_given_back_is_said_when_a_canary_is_removed(flight: Night) -> None:
    """Still contained, it differs from what was made."""
    made = flight.connector.make_canary(ORG, "0a1b2c3d")
    flight.vendor = Vendor.model_validate({"vendor": CANARY_VENDOR, "gcp": made.vendor})
    flight.contain(Scope(realms=(made.realm,), principals=made.principals))
    said = list(flight.connector.remove_canary(made))
    assert said == [
        "stopline-canary-0a1b2c3d is still inactive",
        "the policy of stopline-canary-0a1b2c3d is not what it was",
    ]


def test_a_canary_that_cannot_be_finished_is_removed_again(flight: Night) -> None:
    """Google refuses its policy: what was made before goes, and the error says so."""
    picture = flight.picture()
    flight.google.faults.add("*.serviceAccounts.setIamPolicy", Moment.BEFORE, 403)
    with pytest.raises(ConnectorError, match="what was made before was removed"):
        flight.connector.make_canary(ORG, "0a1b2c3d")
    assert flight.picture() == picture


def test_nothing_but_a_canary_is_removed(flight: Night) -> None:
    """Neither what has another name, nor what somebody else made under a canary's."""
    made = flight.connector.make_canary(ORG, "0a1b2c3d")
    other = replace(made, made={**made.made, "id": "etl"})
    with pytest.raises(UserError, match="no canary"):
        list(flight.connector.remove_canary(other))
    flight.google.state.get(f"{IAM}/{made.made['name']}").data["displayName"] = "theirs"
    with pytest.raises(ConnectorError, match="none of our canaries"):
        list(flight.connector.remove_canary(made))


def test_an_organisation_without_a_project_of_ours_has_no_canary(night: Night) -> None:
    """Nobody says where it would be made."""
    with pytest.raises(UserError, match="No project is named"):
        night.connector.make_canary(ORG, "0a1b2c3d")


# --- the lab's own directory ---------------------------------------------------------------------


ROBOT = "serviceAccount:writer@lab-security.iam.gserviceaccount.com"
EYES = "serviceAccount:reader@lab-security.iam.gserviceaccount.com"
MINT = "iamcredentials.v1.projects.serviceAccounts.generateAccessToken"


@pytest.fixture
def two(night: Night) -> Night:
    """One account that reads and one that writes; the worker makes tokens of both."""
    google, clients = night.google, night.connector.clients
    for member in (ROBOT, EYES):
        account(google, member, binding("roles/iam.serviceAccountTokenCreator", WORKER))
    accounts = {"service_account": ROBOT[15:], "read_service_account": EYES[15:]}
    clients.estate = clients.estate.model_copy(update=accounts)
    top = google.state.get(TOP)
    held = [binding("roles/iam.securityAdmin", ROBOT, EYES), *top.policy["bindings"]]
    held.append(binding("roles/iam.serviceAccountAdmin", ROBOT, EYES))
    top.policy = {"bindings": held}
    google.state.delegated[EYES] = (*workspace()["read"]["privileges"], "ROLE_MANAGEMENT")
    google.state.delegated[ROBOT] = tuple(workspace()["worker"]["privileges"])
    return night


def test_the_roles_of_the_file_are_all_that_the_directory_needs(two: Night) -> None:
    """Users are seen, the writer's role has all of it, and a night goes there and back."""
    found = checks(two)
    assert by(found[f"gcp {ORG} workspace users"]) == "ok"
    assert by(found[f"gcp {ORG} workspace rights to write"]) == "ok"
    two.playbook = SUSPENDS
    picture = two.picture()
    assert outcomes(two.contain()) == {Outcome.APPLIED}
    assert not [gap for gap in two.plan().gaps if "users" in gap.what]
    assert outcomes(two.restore()) == {Outcome.APPLIED}
    assert two.picture() == picture


def test_each_token_has_the_scopes_of_the_file_and_no_more(two: Night) -> None:
    """Whoever reads cannot write; without a directory and drives nobody asks for it at all."""
    two.playbook = SUSPENDS
    two.contain()
    asked = {tuple(s.body["scope"]) for s in two.google.seen if s.method == MINT}
    who = {"read": "read", "worker": "write"}
    assert asked == {(*workspace()[one]["scopes"], OF_DRIVES[mode]) for one, mode in who.items()}
    none: Json = {"customer": None, "shared_drives": ()}
    estate = two.connector.clients.estate.model_copy(update=none)
    plain = Clients(estate, sleep=lambda _: None)
    two.google.seen.clear()
    plain.ask(
        "iam/v1/projects.serviceAccounts.get", name=f"projects/-/serviceAccounts/{ROBOT[15:]}"
    )
    (minted,) = (s for s in two.google.seen if s.method == MINT)
    assert minted.body["scope"] == ["https://www.googleapis.com/auth/cloud-platform"]
    plain.close()


def test_what_a_role_lacks_is_named_and_an_unseen_one_is_a_warning(two: Night) -> None:
    """Nothing is written to find out."""
    two.google.state.delegated[ROBOT] = ("USERS_ALL", "GROUPS_RETRIEVE")
    lacking = checks(two)[f"gcp {ORG} workspace rights to write"]
    assert by(lacking) == "fail"
    assert lacking.found.endswith("may not: GROUPS_UPDATE, USER_SECURITY_ALL")
    two.google.state.delegated[EYES] = workspace()["read"]["privileges"]
    unseen = checks(two)[f"gcp {ORG} workspace rights to write"]
    assert (by(unseen), "cannot be seen" in unseen.found) == ("warn", True)
    two.google.state.delegated.clear()
    assert by(checks(two)[f"gcp {ORG} workspace users"]) == "fail"
    writes = (".update", ".insert", ".delete", ".signOut")
    assert not [s for s in two.google.seen if s.method.endswith(writes)]


def test_an_estate_that_names_no_directory_is_warned(night: Night) -> None:
    """Its users would be a gap of each plan."""
    clients = night.connector.clients
    clients.estate = clients.estate.model_copy(update={"customer": None})
    check = checks(night)[f"gcp {ORG} workspace users"]
    assert (by(check), "`gcp.customer`" in check.next_step) == ("warn", True)
