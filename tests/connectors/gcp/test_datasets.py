"""Access lists of BigQuery datasets: the vendor's entries are taken out, and given back."""

from collections import Counter

import pytest
from googleapiclient.errors import HttpError
from support.google import (
    BO,
    CRM,
    DANA,
    DATASET,
    KIM,
    NEW,
    NUMBER,
    ORG,
    PLAYBOOK,
    PULL,
    RATERS,
    SUBJECT,
    UNTIL,
    VENDOR,
    VIEW,
    WORKER,
    dataset,
)
from support.google_nights import Night, may, outcomes

from stopline.connectors.gcp.bindings import Entry, edited
from stopline.drill.google.faults import Moment
from stopline.drill.google.server import Google
from stopline.errors import ConnectorError
from stopline.model import Direction, Gap, Scope
from stopline.playbook import Rule
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json

NAME = f"//{DATASET}"
TABLE = f"{NAME}/tables/t"
READ = "bigquery.tables.getData"
PATCH, GET = "bigquery.v2.datasets.patch", "bigquery.v2.datasets.get"
OWNERS: Json = {"role": "OWNER", "specialGroup": "projectOwners"}


def access(google: Google, name: str = NAME) -> list[Json]:
    """The list as it is."""
    found: list[Json] = google.state.get(name).data["access"]
    return found


def reader(member: str, **more: Json) -> Json:
    """Somebody reads."""
    return {"role": "READER", "userByEmail": member.partition(":")[2], **more}


def change_access(google: Google, *entries: Json, name: str = NAME) -> None:
    """Another admin replaces the list."""
    resource = google.state.get(name)
    resource.data["access"] = [dict(entry) for entry in entries]
    google.state.touch(resource)


def receipts_of(receipts: list[Receipt], name: str = DATASET) -> list[Receipt]:
    """What became of the dataset's own entries."""
    return [r for r in receipts if r.change.address.id.startswith(f"{name}#")]


def patches(google: Google) -> list[Json]:
    """The queries of all writes of datasets."""
    return [s.query for s in google.seen if s.method == PATCH]


def test_the_vendors_entries_are_taken_out_in_one_call_and_given_back(night: Night) -> None:
    """People, robots, a group, a domain, who comes by a pool: the lab and its view stay."""
    google, picture, before = night.google, night.picture(), access(night.google)
    theirs = (KIM, PULL, SUBJECT)
    assert all(may(google, who, "bigquery.datasets.get", NAME) for who in theirs)
    assert all(may(google, who, READ, TABLE) for who in theirs)
    receipts = receipts_of(night.contain())
    assert outcomes(receipts) == {Outcome.APPLIED}
    assert {r.change.principal for r in receipts} >= {*theirs, RATERS, "domain:mercor.example"}
    assert not any(may(google, who, "bigquery.datasets.get", NAME) for who in theirs)
    assert [e for e in before if e in access(google)] == access(google)
    assert [e for e in access(google) if "view" in e] == [VIEW]
    assert may(google, BO, READ, TABLE)
    assert may(google, DANA, "bigquery.datasets.update", NAME)
    assert len(patches(google)) == 1
    assert not night.plan().changes
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert access(google) == before
    assert night.picture() == picture


def test_the_vendor_itself_is_refused_by_google(night: Night) -> None:
    """Not by our reckoning: it asks for the dataset with its own token, before and during."""
    client = night.google.client("bigquery", "v2", KIM).datasets()
    ask = client.get(projectId="lab-data", datasetId="answers", accessPolicyVersion=3)
    assert ask.execute()["id"] == "lab-data:answers"
    night.contain()
    with pytest.raises(HttpError) as caught:
        ask.execute()
    assert caught.value.resp.status == 403


def test_trap_4_a_dataset_is_read_and_written_at_version_3(night: Night) -> None:
    """One entry has a condition: below version 3 it would be lost, or written as another role."""
    night.contain()
    night.restore()
    asked = [s.query for s in night.google.seen if s.method in (PATCH, GET)]
    assert {q["accessPolicyVersion"][0] for q in asked} == {"3"}
    assert reader(KIM, condition=UNTIL) in access(night.google)
    assert {q["updateMode"][0] for q in patches(night.google)} == {"UPDATE_ACL"}


@pytest.mark.parametrize("times", [1, 3])
def test_trap_6_what_another_admin_changes_in_the_list_stands(night: Night, times: int) -> None:
    """Let in right before our write: Google says 412, we read again, and both are there."""
    google = night.google
    added = (reader(NEW), {"role": "WRITER", "domain": "lab.example"}, reader(WORKER))
    waiting = iter(added)
    google.faults.race(PATCH, lambda: access(google).append(next(waiting)) or touch(google), times)
    night.contain()
    assert all(entry in access(google) for entry in added[:times])
    assert not may(google, KIM, READ, TABLE)
    night.restore()
    assert all(entry in access(google) for entry in added[:times])
    assert may(google, KIM, READ, TABLE)


def touch(google: Google) -> None:
    """The list was written."""
    google.state.touch(google.state.get(NAME))


def test_a_view_that_was_taken_out_meanwhile_does_not_come_back(night: Night) -> None:
    """Nor is one taken out that came: what names nobody is never ours to change."""
    google, other = night.google, {"view": {**VIEW["view"], "tableId": "by_day"}}
    night.contain()
    change_access(google, *(e for e in access(google) if "view" not in e), other)
    night.restore()
    assert [e for e in access(google) if "view" in e] == [other]
    assert reader(KIM, condition=UNTIL) in access(google)


def test_trap_9_a_dataset_that_was_made_anew_is_given_nothing(night: Night) -> None:
    """Of the same name, with other data in it: who read the old one is not let into this one."""
    google = night.google
    night.contain()
    google.state.remove(google.state.get(NAME))
    dataset(google, "answers", OWNERS, reader(DANA), made="1764400000000")
    receipts = receipts_of(night.restore())
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.CONFLICT, Cause.RECREATED)}
    assert access(google) == [OWNERS, reader(DANA)]
    assert not night.book.writes.holds()


def test_a_dataset_that_was_deleted_is_no_failure(night: Night) -> None:
    """There is nothing that could be given back."""
    night.contain()
    night.google.state.remove(night.google.state.get(NAME))
    receipts = receipts_of(night.restore())
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.CONFLICT, Cause.GONE)}


def test_the_last_owner_stays_and_the_rest_is_taken_out(night: Night) -> None:
    """Nobody could repair a dataset that has none: the receipt names who is left."""
    google = night.google
    owner = {"role": "OWNER", "userByEmail": KIM.partition(":")[2]}
    change_access(google, owner, reader(PULL))
    receipts = receipts_of(night.contain())
    failed = [r for r in receipts if r.outcome is Outcome.FAILED]
    assert [(r.change.principal, r.cause) for r in failed] == [(KIM, Cause.REFUSED)]
    assert "no administrator left" in failed[0].detail
    assert access(google) == [owner]
    change_access(google, owner, OWNERS)
    assert outcomes(receipts_of(night.contain())) == {Outcome.APPLIED}
    assert access(google) == [OWNERS]


def test_the_owners_of_its_own_project_are_never_taken_out(night: Night) -> None:
    """Also where that project is the vendor's by the file: its own policy says who they are."""
    theirs = VENDOR.gcp.model_copy(update={"projects": ("mercor-prod", "lab-data")})
    night.vendor = VENDOR.model_copy(update={"gcp": theirs})
    plan = night.plan()
    assert not [c for c in plan.changes if "projectOwner:" in c.address.id]
    (left,) = (
        s for s in plan.skips if s.address.id.startswith(f"{DATASET}#") and "Owner:" in s.principal
    )
    assert not left.leaves_access
    assert "owners of its own project" in left.reason
    with pytest.raises(ConnectorError, match="never taken out"):
        edited({"bindings": []}, [Entry("roles/bigquery.dataOwner", "projectOwner:x")], ())


def test_a_list_that_is_not_shown_is_a_gap_and_is_not_written(night: Night) -> None:
    """An answer without `access` says nothing of who comes in; the rest is contained."""
    google = night.google
    del google.state.get(NAME).data["access"]
    plan = night.plan()
    assert [gap.what for gap in plan.gaps] == [f"policy of {DATASET}"]
    assert "not shown" in plan.gaps[0].cause
    night.carry_out(plan, Direction.CONTAIN)
    assert not patches(google)


def test_trap_a_list_that_is_not_shown_any_more_is_not_overwritten(night: Night) -> None:
    """What we hold stays held, and is given back once it is shown again."""
    google = night.google
    night.contain()
    kept = google.state.get(NAME).data.pop("access")
    receipts = receipts_of(night.restore())
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.FAILED, Cause.DENIED)}
    google.state.get(NAME).data["access"] = kept
    assert outcomes(receipts_of(night.restore())) == {Outcome.APPLIED}


def test_trap_13_every_page_of_datasets_is_asked_for(night: Night) -> None:
    """Also behind an empty page."""
    google = night.google
    google.state.page_limit, google.state.empty_pages = 1, True
    more = [dataset(google, f"d{number}", OWNERS, reader(KIM)) for number in range(3)]
    night.contain()
    assert [access(google, name) for name in more] == [[OWNERS]] * 3


def test_a_dataset_that_no_search_shows_yet_is_found(night: Night) -> None:
    """A search may be minutes behind: datasets are listed, project by project."""
    google = night.google
    google.faults.add("cloudasset.*", Moment.BEFORE, 500, times=100)
    name = dataset(google, "new", OWNERS, reader(KIM))
    night.contain()
    assert access(google, name) == [OWNERS]


def test_trap_datasets_that_are_withheld_from_our_list_are_a_gap(night: Night) -> None:
    """BigQuery lists what we may see and refuses nothing; the search knows of it all the same."""
    google = night.google
    top = google.state.get(f"{CRM}/organizations/{ORG}")
    kept = [b for b in top.policy["bindings"] if b["role"] != "roles/bigquery.admin"]
    top.policy = {"bindings": kept}
    plan = night.plan()
    assert [gap.what for gap in plan.gaps] == [f"policy of {DATASET}"]
    assert "bigquery.datasets.get" in plan.gaps[0].cause


def test_where_bigquery_is_not_on_there_is_nothing_of_it(night: Night) -> None:
    """A project that does not use it is no gap; that our own account's does not is one."""
    google = night.google
    google.state.services_off.add(("lab-security", "bigquery.googleapis.com"))
    assert not night.plan().gaps
    google.state.services_off.add(("lab-data", "bigquery.googleapis.com"))
    assert [gap.what for gap in night.plan().gaps] == [f"policy of {DATASET}"]
    google.state.services_off = {("lab-security", "cloudasset.googleapis.com")}
    (gap,) = night.plan().gaps
    assert gap.what == "policies below projects"
    assert "has not been used in project" in gap.cause


def test_429_is_waited_for_and_the_list_is_written_once(night: Night) -> None:
    """It was surely not written: it is read and judged again."""
    night.google.faults.add(PATCH, Moment.BEFORE, 429, times=2)
    assert outcomes(receipts_of(night.contain())) == {Outcome.APPLIED}
    codes = Counter(s.code for s in night.google.seen if s.method == PATCH)
    assert codes == {429: 2, 200: 1}


@pytest.mark.parametrize("status", [503, 0])
def test_trap_5_an_answer_that_is_lost_after_the_write_ends_the_same(
    night: Night, status: int
) -> None:
    """It is read, and not sent again; what nothing proves is given back on a person's word."""
    google, picture = night.google, night.picture()
    google.faults.add(PATCH, Moment.AFTER, status)
    assert outcomes(receipts_of(night.contain())) == {Outcome.UNPROVEN}
    assert len(patches(google)) == 1
    night.restore(unproven=True)
    assert night.picture() == picture


def test_restricted_sharing_keeps_outsiders_out_and_lets_our_own_back(night: Night) -> None:
    """BigQuery's refusal names nobody, so everybody outside is left out, and stays held."""
    google = night.google
    night.contain()
    google.state.allowed_domains[NAME] = ("C0lab0000", "C0mercer0")
    google.state.customers["C0mercer0"] = ("mercer.example",)
    receipts = receipts_of(night.restore())
    assert {(r.outcome, r.cause) for r in receipts} == {(Outcome.FAILED, Cause.REFUSED)}
    assert all(r.held and "permitted customer" in r.detail for r in receipts)
    google.state.allowed_domains.clear()
    assert outcomes(receipts_of(night.restore())) == {Outcome.APPLIED}


# --- who comes in without being a member ------------------------------------------------------

THEIRS = [
    {"view": {"projectId": "mercor-prod", "datasetId": "d", "tableId": "v"}},
    {"routine": {"projectId": "mercor-prod", "datasetId": "d", "routineId": "r"}},
    {"dataset": {"dataset": {"projectId": "444455556666", "datasetId": "d"}, "targetTypes": []}},
]


def test_a_view_of_the_vendors_is_shown_as_open_and_left(night: Night) -> None:
    """By its project, id or number; what lies in a project of the lab's is the lab's."""
    google = night.google
    change_access(google, *access(google), *THEIRS)
    plan = night.plan()
    shown = {s.principal: s for s in plan.skips if s.address.kind == "authorised-resource"}
    assert set(shown) == {
        "view:mercor-prod.d.v",
        "routine:mercor-prod.d.r",
        "dataset:444455556666.d",
    }
    assert all(s.leaves_access and "by hand" in s.reason for s in shown.values())
    night.carry_out(plan, Direction.CONTAIN)
    assert [e for e in access(google) if e in THEIRS] == THEIRS


PUBLIC = (
    {"role": "READER", "specialGroup": "allAuthenticatedUsers"},
    {"role": "READER", "iamMember": "allUsers"},
)


@pytest.mark.parametrize("entry", PUBLIC)
def test_a_public_dataset_that_the_vendor_reaches_is_shown_as_open(
    night: Night, entry: Json
) -> None:
    """Where it is not let in by its name, it is everybody's, and not of this pause."""
    google = night.google
    change_access(google, *access(google), entry)
    (left,) = (s for s in night.plan().skips if s.address.kind == "public-entry")
    assert left.leaves_access
    assert "like everybody" in left.reason
    alone = entry.get("specialGroup") or entry["iamMember"]
    assert left.address.id == f"{DATASET}#roles/bigquery.dataViewer/{alone}"
    night.contain()
    assert entry in access(google)


def test_what_is_public_and_not_the_vendors_by_name_is_no_matter_of_this_pause(
    night: Night,
) -> None:
    """A lab may publish what it likes: nothing of it is shown, or taken out."""
    google = night.google
    for resource in google.state.resources.values():
        resource.policy = {}
    top = google.state.get(f"{CRM}/organizations/{ORG}")
    roles = ("iam.denyAdmin", "iam.securityAdmin", "bigquery.admin", "cloudasset.viewer", "browser")
    top.policy = {"bindings": [{"role": f"roles/{r}", "members": [WORKER]} for r in roles]}
    change_access(google, OWNERS, *PUBLIC)
    assert not [s for s in night.plan().skips if s.address.kind == "public-entry"]


def test_with_a_rule_everybody_is_out_while_the_pause_lasts(night: Night) -> None:
    """A stranger reads before and after, and not meanwhile; whoever has a name is not touched."""
    google = night.google
    stranger = "user:joe@elsewhere.example"
    change_access(google, *access(google), *PUBLIC)
    picture, before = night.picture(), access(google)
    assert may(google, stranger, READ, TABLE)
    rule = Rule(name="public", connector="gcp", contains="public-datasets", how="remove")
    (phase,) = PLAYBOOK.phases
    more = phase.model_copy(update={"rules": (*phase.rules, rule)})
    night.playbook = PLAYBOOK.model_copy(update={"phases": (more,)})
    plan = night.plan()
    felt = {c.felt for c in plan.changes if c.rule == "public"}
    assert felt == {f"nobody comes into {DATASET} any more who is not let in by name"}
    assert outcomes(night.carry_out(plan, Direction.CONTAIN)) == {Outcome.APPLIED}
    assert not may(google, stranger, READ, TABLE)
    assert may(google, BO, READ, TABLE)
    assert not night.plan().changes
    night.restore()
    assert access(google) == before
    assert night.picture() == picture


def test_which_dataset_it_is_comes_from_its_name(night: Night) -> None:
    """The project's id and not its number, as Google's inventory has it."""
    found = list(night.connector.discover(night.vendor, Scope()))
    assert not [f for f in found if isinstance(f, Gap)]
    assert NUMBER not in DATASET
    assert night.google.state.get(NAME).short in DATASET
