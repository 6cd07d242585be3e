"""What is done about each grant: deny first, then switches, and taking out only what is left."""

from dataclasses import replace
from typing import Any

from connectors.contract import MARK

from stopline.connectors.gcp import commands, opinion
from stopline.connectors.gcp.denying import PERMISSIONS
from stopline.estate import Estate, GcpEstate, Protected
from stopline.model import Address, Breadth, Change, Document, Grant, Skip, State
from stopline.playbook import Phase, Playbook, Rule
from stopline.port import Terms
from stopline.text import Json
from stopline.vendors import GcpSelectors, Vendor

ORG = "123456789012"
ANN = "user:ann@mercor.example"
RULES = (
    ("principals", "deny"),
    ("service-accounts", "inactive"),
    ("service-account-keys", "inactive"),
    ("hmac-keys", "inactive"),
    ("identity-pools", "inactive"),
    ("entries", "remove-where-not-denied"),
)


def terms(*, without: str = "", **words: Any) -> Terms:
    """A playbook with all rules but one, over an estate with a break-glass group."""
    rules = tuple(
        Rule(name=contains, connector="gcp", contains=contains, how=how)
        for contains, how in RULES
        if contains != without
    )
    estate = Estate(
        gcp=GcpEstate(organization=ORG, service_account="w@ops.iam.gserviceaccount.com"),
        protected=Protected(
            break_glass=("group:glass@lab.example", "user:*@root.example", "arn:aws:iam::*:role/x")
        ),
    )
    phases = (Phase(name="google", rules=rules),)
    vendor = Vendor(vendor="mercor", gcp=GcpSelectors(domains=("mercor.example",)))
    made = Terms(vendor, Playbook(playbook="default", phases=phases), MARK, estate=estate)
    return replace(made, **words)


def entry(member: str = ANN, role: str = "roles/storage.objectViewer", **state: Json) -> Grant:
    """An entry of a project's policy; by default a deny names the member, and all it allows."""
    said: Json = {"member": member, "role": role, "names": [member], "journals": [], "undenied": 0}
    said |= state
    address = Address("gcp", ORG, "entry", f"projects/lab-data#{role}/{member}")
    return Grant(address, State.of(said), member, role, "projects/lab-data", "the domain", "")


def account(entitlement: str = "service-account", **words: Any) -> Grant:
    """A service account of ours."""
    address = Address("gcp", ORG, "service-account", "lab-data/etl@x.iam.gserviceaccount.com")
    state = State.of({"disabled": False})
    member = "serviceAccount:etl@x.iam.gserviceaccount.com"
    made = Grant(address, state, member, entitlement, "t", "its own name", "u1")
    return replace(made, **words)


def opinions(grant: Grant, under: Terms | None = None) -> list[Change | Skip]:
    """All that is said about a grant."""
    return list(opinion.contained(grant, under or terms()))


def test_what_a_deny_reaches_is_left_as_it_stands() -> None:
    """One entry in a policy of ours, with the exceptions; nothing of theirs is touched."""
    (change,) = opinions(entry())
    assert isinstance(change, Change)
    assert change.address.id == f"stopline-j{MARK.journal}-p{MARK.pause}#{ANN}"
    assert (change.marked, change.breadth) == (True, Breadth.EVERYWHERE)
    assert change.after is not None
    assert change.after.value == {
        "denied": ANN,
        "except": [
            "principal://iam.googleapis.com/projects/-/serviceAccounts/w@ops.iam.gserviceaccount.com",
            "principalSet://goog/group/glass@lab.example",
        ],
        "permissions": list(PERMISSIONS),
    }


def test_whom_the_vendors_file_protects_no_set_that_holds_them_is_denied_with() -> None:
    """By name: an exception of the deny. By a pattern: the directory and the group stay out."""
    customer = "principalSet://goog/cloudIdentityCustomerId/C01abc35d"
    liaison = "user:Liaison@mercor.example"
    made = terms()
    named = replace(made, vendor=made.vendor.model_copy(update={"protected": (liaison,)}))
    (change,) = opinions(entry(names=[customer]), named)[:1]
    assert isinstance(change, Change)
    assert change.after is not None
    assert "principal://goog/subject/liaison@mercor.example" in change.after.value["except"]
    globs = {"protected": ("user:li*@mercor.example",)}
    patterned = replace(made, vendor=made.vendor.model_copy(update=globs))
    for held in (customer, "group:raters@mercor.example"):
        skip, own = opinions(entry(names=[ANN, held]), patterned)
        assert isinstance(skip, Skip)
        assert skip.leaves_access
        assert (skip.principal, own.principal) == (held, ANN)
        assert "li*@mercor.example" in skip.reason


def test_who_keeps_logs_and_the_journal_and_who_reads_are_never_denied() -> None:
    """Everybody of whom the estate's file says so by name, and the account that reads."""
    made = terms()
    keeper = "serviceAccount:logs@ops.iam.gserviceaccount.com"
    gcp = GcpEstate(
        organization=ORG,
        service_account="w@ops.iam.gserviceaccount.com",
        read_service_account="r@ops.iam.gserviceaccount.com",
    )
    kept = Protected(log_delivery=(keeper,), journal=("group:db@lab.example",))
    (change,) = opinions(entry(), replace(made, estate=Estate(gcp=gcp, protected=kept)))
    assert isinstance(change, Change)
    assert change.after is not None
    start = "principal://iam.googleapis.com/projects/-/serviceAccounts/"
    assert change.after.value["except"] == [
        *(f"{start}{who}@ops.iam.gserviceaccount.com" for who in ("logs", "r", "w")),
        "principalSet://goog/group/db@lab.example",
    ]


def test_a_role_that_allows_more_than_the_deny_names_is_taken_out_too() -> None:
    """Denied first, since that is one call; then the entry itself, to be given back by a delta."""
    deny, taken = opinions(entry(role="roles/editor", undenied=4_000))
    assert isinstance(deny, Change)
    assert isinstance(taken, Change)
    assert deny.breadth > taken.breadth
    assert (taken.address.kind, taken.after, taken.marked) == ("allow-policy-entry", None, False)
    assert taken.address.document.id == "projects/lab-data"


def test_a_role_that_could_not_be_read_is_taken_out_too() -> None:
    """Nobody knows what it allows."""
    assert [type(o) for o in opinions(entry(undenied=None))] == [Change, Change]


def test_what_no_deny_can_name_is_taken_out() -> None:
    """A domain without a customer id: only the entry itself is left to be taken."""
    (taken,) = opinions(entry("domain:mercor.example", names=[]))
    assert isinstance(taken, Change)
    assert taken.address.kind == "allow-policy-entry"


def test_trap_1_a_person_who_owns_a_project_is_denied_and_never_taken_out() -> None:
    """What the deny does not name stays open, and the plan says so."""
    deny, skip = opinions(entry(role="roles/owner", undenied=9_000))
    assert isinstance(deny, Change)
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert "make a person an owner again" in skip.reason


def test_trap_9_whoever_was_deleted_is_left_and_leaves_nothing_open() -> None:
    """Nobody acts under that name, and a new one under the old name does not inherit it."""
    (skip,) = opinions(entry("deleted:user:ann@mercor.example?uid=1", names=[]))
    assert isinstance(skip, Skip)
    assert not skip.leaves_access


def test_without_a_rule_what_is_left_is_open() -> None:
    """No rule to deny: taken out. No rule to take out either: shown as open."""
    (taken,) = opinions(entry(), terms(without="principals"))
    assert isinstance(taken, Change)
    assert taken.address.kind == "allow-policy-entry"
    deny, skip = opinions(entry(undenied=1), terms(without="entries"))
    assert isinstance(deny, Change)
    assert isinstance(skip, Skip)
    assert skip.leaves_access


def test_a_deny_that_google_refused_gives_way_to_taking_out() -> None:
    """The next lever, as after a full quota or a permission that the worker does not have."""
    (first,) = opinions(entry())
    again = opinions(entry(), terms(refusals=frozenset({first.address})))
    assert [o.address.kind for o in again] == ["allow-policy-entry"]
    both = frozenset({first.address, again[0].address})
    (skip,) = opinions(entry(), terms(refusals=both))
    assert isinstance(skip, Skip)
    assert skip.leaves_access


def test_trap_8_an_account_as_which_the_vendor_may_act_is_not_the_vendors() -> None:
    """The deny ends acting as it; without one it stays open. Others who use it are named."""
    reached = account("reached-service-account", vouched=False)
    (skip,) = opinions(reached)
    assert isinstance(skip, Skip)
    assert not skip.leaves_access
    (skip,) = opinions(reached, terms(without="principals"))
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    (skip,) = opinions(replace(reached, shared_with=("group:data@lab.example",)))
    assert isinstance(skip, Skip)
    assert "group:data@lab.example may act as it too" in skip.reason


def test_trap_7_a_key_of_an_account_of_the_labs_ends_with_the_account_or_is_open() -> None:
    """Where a rule makes the account inactive, and Google took that, its keys do nothing."""
    id_ = "lab-data/etl@x.iam.gserviceaccount.com"
    address = Address("gcp", ORG, "service-account-key", f"{id_}/{'k9' * 20}")
    key = account("key-of-reached-account", address=address, vouched=False)
    made = terms()
    rule = Rule(name="r", connector="gcp", contains="reached-service-accounts", how="inactive")
    phases = (*made.playbook.phases, Phase(name="reached", rules=(rule,)))
    ruled = replace(made, playbook=Playbook(playbook="default", phases=phases))
    refused = frozenset({Address("gcp", ORG, "service-account", id_)})
    said = (
        opinions(key),
        opinions(key, ruled),
        opinions(key, replace(ruled, refusals=refused)),
        opinions(replace(key, shared_with=("group:data@lab.example",)), ruled),
        opinions(replace(key, entitlement="key-of-account"), ruled),
    )
    open_ = [[isinstance(o, Skip) and o.leaves_access for o in one] for one in said]
    assert open_ == [[True], [False], [True], [True], [True]]


def test_trap_7_the_account_is_disabled_and_not_only_its_keys() -> None:
    """Tokens that a key had minted live on without it; the account's own switch ends them."""
    (change,) = opinions(account())
    assert isinstance(change, Change)
    assert change.after == State.of({"disabled": True})
    assert (change.uid, change.breadth) == ("u1", Breadth.PRINCIPAL)


def test_hmac_keys_and_pools_are_switched_off_and_on_by_hand() -> None:
    """The pool and not its providers, whose tokens from before would go on working."""
    key = account("hmac-key", address=Address("gcp", ORG, "hmac-key", "lab-data/GOOG1EXAMPLE"))
    name = "projects/77/locations/global/workloadIdentityPools/mercor-ci"
    pool = account("identity-pool", address=Address("gcp", ORG, "identity-pool", name))
    said = []
    for grant in (key, pool):
        (change,) = (o for o in opinions(grant) if isinstance(o, Change))
        back = replace(change, before=grant.state).inverse()
        said += commands.commands(change.address.document, [change]).lines
        said += commands.commands(change.address.document, [back]).lines if grant is pool else ()
    update = "gcloud iam workload-identity-pools update mercor-ci --location=global --project=77"
    assert said == [
        "gcloud storage hmac update GOOG1EXAMPLE --deactivate --project=lab-data",
        f"{update} --disabled",
        f"{update} --no-disabled",
    ]
    staff = Document("gcp", ORG, "identity-pool", "locations/global/workforcePools/mercor-staff")
    assert commands.commands(
        staff, [replace(change, after=State.of({"disabled": True}))]
    ).lines == ("gcloud iam workforce-pools update mercor-staff --location=global --disabled",)


def test_a_person_can_do_it_by_hand() -> None:
    """Each kind of change as a gcloud command, there and back."""
    deny, taken = (o for o in opinions(entry(undenied=1)) if isinstance(o, Change))
    (switch,) = (o for o in opinions(account()) if isinstance(o, Change))
    taken = replace(taken, before=State.of({"member": ANN, "role": "roles/storage.objectViewer"}))

    def said(change: Change) -> str:
        return "\n".join(commands.commands(change.address.document, [change]).lines)

    assert "gcloud iam policies create stopline-j" in said(deny)
    assert "gcloud iam policies delete stopline-j" in said(deny.inverse())
    assert said(taken) == (
        f"gcloud projects remove-iam-policy-binding lab-data --member={ANN} "
        "--role=roles/storage.objectViewer --condition=None"
    )
    assert "projects add-iam-policy-binding" in said(taken.inverse())
    assert said(switch) == (
        "gcloud iam service-accounts disable etl@x.iam.gserviceaccount.com --project=lab-data"
    )
