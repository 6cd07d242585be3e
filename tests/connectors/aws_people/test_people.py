"""People in IAM Identity Center: taken out of groups and accounts one by one, and given back."""

import json
import shlex
from dataclasses import dataclass, replace
from typing import Any

import boto3
import pytest
from botocore import xform_name
from connectors.contract import ConnectorContract, back, carry_out, grants, plan
from support.aws import DATA, RESEARCH, ROLE, Cloud, answer, body_of
from support.aws_cli import parsed
from support.aws_people import ESTATE, Center, seeded

from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.people import APPLICATION, ASSIGNED, KINDS, MEMBER, is_theirs
from stopline.errors import ConnectorError
from stopline.estate import Estate, Protected
from stopline.model import Document, Gap, Grant, Scope, Skip
from stopline.playbook import Playbook
from stopline.receipts import Cause
from stopline.text import Json
from stopline.vendors import Vendor

ESTATE_FILE = Estate(protected=Protected(orchestrator=(f"arn:aws:iam::*:role/{ROLE}",)))


@dataclass
class PeopleGround:
    """One account with an Identity Center, and one user of IAM besides."""

    cloud: Cloud
    center: Center
    connector: AwsConnector
    vendor: Vendor
    playbook: Playbook
    realm: str = DATA
    estate: Estate = ESTATE_FILE

    def picture(self) -> Json:
        """Who is in which group, who has which account, what is attached to the user."""
        page = self.cloud.iam(DATA).list_attached_user_policies(UserName="annotator")
        return {
            "groups": {g: sorted(self.center.members(g)) for g in ("raters", "readers")},
            "accounts": {p: sorted(self.center.assigned(p)) for p in ("labelling", "alone")},
            "applications": {a: sorted(self.center.using(a)) for a in self.center.applications},
            "attached": page["AttachedPolicies"],
        }

    def raw(self, _document: Document) -> str | None:
        """Nothing here has a text, but our own policy."""
        return None

    def used(self) -> frozenset[str]:
        """What was really called."""
        used = frozenset(self.cloud.used)
        self.cloud.used.clear()
        return used

    def remove(self, document: Document) -> bool:
        """Delete the user of IAM; what is taken out already hangs on nothing."""
        if document.kind != "user-attachment":
            return False
        iam, who = self.cloud.iam(DATA), {"UserName": document.id}
        for one in iam.list_attached_user_policies(**who)["AttachedPolicies"]:
            iam.detach_user_policy(**who, PolicyArn=one["PolicyArn"])
        iam.delete_user(**who)
        return True

    def edit(self, _document: Document) -> bool:
        """A membership is whole: there is no elsewhere in it."""
        return False

    def edited(self, _document: Document) -> bool:
        """See `edit`."""
        return False

    def close(self) -> None:
        """Nobody lets us assume our role there."""
        self.cloud.closed.add(DATA)
        self.connector = self.cloud.connector(**ESTATE)


@pytest.fixture
def ground(cloud: Cloud) -> PeopleGround:
    """Groups and accounts of the vendor's people, beside others'."""
    center = seeded(cloud)
    cloud.user("annotator", keys="", account=DATA)
    return PeopleGround(cloud, center, cloud.connector(**ESTATE), center.vendor, center.playbook)


class TestPeople(ConnectorContract):
    """Memberships and assignments."""


def test_the_vendors_people_lose_groups_and_accounts_and_nobody_else_does(
    ground: PeopleGround,
) -> None:
    """By their whole address or name; the look-alike and the lab's own people keep all."""
    changes = plan(ground).changes
    assert {c.address.kind for c in changes} >= {MEMBER, ASSIGNED, APPLICATION}
    (desk,) = ground.center.applications
    carry_out(ground, changes)
    assert ground.center.using(desk) == {"bo", "dana"}
    assert ground.center.members("raters") == {"bo", "dana"}
    assert ground.center.members("readers") == set()
    assert ground.center.assigned("labelling") == {"dana"}
    carry_out(ground, back(changes))
    assert ground.center.members("raters") == {"ann", "bo", "dana"}
    assert ground.center.assigned("labelling") == {"ann", "dana"}
    assert ground.center.using(desk) == {"ann", "bo", "dana"}


def test_trap_an_application_that_everybody_may_use_is_left_to_a_person(
    ground: PeopleGround,
) -> None:
    """To take it from somebody ends nothing where it need not be assigned at all."""
    lab = ground.center.application("wiki", "ann", required=False)
    (skip,) = (s for s in plan(ground).skips if s.address.kind == APPLICATION)
    assert skip.leaves_access
    assert "like everybody in the directory" in skip.reason
    carry_out(ground, plan(ground).changes)
    assert ground.center.using(lab) == {"ann"}


def test_an_application_that_may_not_be_looked_at_is_a_gap_and_hides_no_other(
    ground: PeopleGround,
) -> None:
    """Whether it must be assigned is AWS's to say: a refusal is never a yes."""
    ground.center.application("wiki", "ann")
    answers = ground.center.refusing

    def refused(request: Any) -> Any:
        of_wiki = "0wiki" in body_of(request)
        asked = request.headers.get("X-Amz-Target", b"").endswith(b"AssignmentConfiguration")
        refusal = answer(400, json.dumps({"__type": "AccessDeniedException", "Message": "no"}))
        return refusal if asked and of_wiki else answers(request)

    ground.cloud.interfere = refused
    found = list(ground.connector.discover(ground.vendor, Scope()))
    (gap,) = [f for f in found if isinstance(f, Gap)]
    assert gap.what == "ann in application apl-000000000000wiki"
    assert "AccessDenied" in gap.cause
    assert len([f for f in found if isinstance(f, Grant) and f.address.kind == APPLICATION]) == 1


def test_by_hand_an_application_is_taken_and_given_by_the_same_calls(ground: PeopleGround) -> None:
    """As AWS's model of the service names them."""
    (change,) = (c for c in plan(ground).changes if c.address.kind == APPLICATION)
    assert change.before
    client = boto3.client("sso-admin", region_name="us-east-1")
    for verb, one in (("Delete", change), ("Create", change.inverse())):
        (line,) = ground.connector.commands(change.address.document, [one], None).lines
        name = f"{verb}ApplicationAssignment"
        words = line.partition(f"aws sso-admin {xform_name(name, '-')}")[2]
        given, _, _ = parsed(client, name, shlex.split(words))
        assert given == {
            "ApplicationArn": change.before.value["ApplicationArn"],
            "PrincipalType": "USER",
            "PrincipalId": ground.center.ids["ann"],
        }


def test_nothing_is_given_back_in_an_application_that_was_deleted(ground: PeopleGround) -> None:
    """Said as gone: neither is it there, nor was it taken from anybody by us."""
    (change,) = (c for c in plan(ground).changes if c.address.kind == APPLICATION)
    carry_out(ground, [change])
    assert ground.connector.read(change.address.document).exists
    ground.center.applications.clear()
    assert not ground.connector.read(change.address.document).exists


def test_trap_the_last_assignment_of_a_permission_set_stays(ground: PeopleGround) -> None:
    """AWS would remove its role, and another one would come back."""
    skips = [s for s in plan(ground).skips if s.address.kind == ASSIGNED]
    (skip,) = skips
    assert skip.leaves_access
    assert f"pilot in account {RESEARCH} is the last" in skip.reason
    carry_out(ground, plan(ground).changes)
    assert ground.center.assigned("alone") == {"pilot"}


def test_trap_two_of_the_vendors_who_share_a_permission_set_are_the_last_together(
    ground: PeopleGround,
) -> None:
    """The one is not kept for the sake of the other."""
    ground.center.assign("ann", "alone")
    skips = [s for s in plan(ground).skips if s.address.kind == ASSIGNED]
    assert len(skips) == len(("ann", "pilot"))


def test_a_membership_that_was_made_anew_is_not_deleted_by_what_was_read_before(
    ground: PeopleGround,
) -> None:
    """A stranger took it out and put it in again: it has another id, and we look again."""
    change = next(c for c in plan(ground).changes if c.address.kind == MEMBER)
    stale = ground.connector.read(change.address.document)
    ground.connector.write(stale, [change], None, "token")
    again = ground.connector.read(change.address.document)
    ground.connector.write(again, [change.inverse()], None, "token")
    assert ground.connector.read(change.address.document).tag != stale.tag
    with pytest.raises(ConnectorError):
        ground.connector.write(stale, [change], None, "token")
    assert ground.connector.read(change.address.document).states


def test_nothing_is_given_back_to_a_person_who_was_deleted(ground: PeopleGround) -> None:
    """Said as gone, and surely not landed."""
    changes = [c for c in plan(ground).changes if c.principal.endswith(ground.center.ids["ann"])]
    assert {c.address.kind for c in changes} == {MEMBER, ASSIGNED, APPLICATION}
    carry_out(ground, changes)
    ground.center.delete("ann")
    for change in changes:
        seen = ground.connector.read(change.address.document)
        assert not seen.exists
        if change.address.kind == MEMBER:  # the emulator assigns to anybody
            with pytest.raises(ConnectorError) as caught:
                ground.connector.write(seen, [change.inverse()], None, "token")
            assert (caught.value.cause, caught.value.landed) == (Cause.GONE, False)


def test_people_who_are_named_where_no_center_is_are_a_gap(ground: PeopleGround) -> None:
    """The vendor's file says there are some; the estate's file does not say where."""
    blind = ground.cloud.connector(**{**ESTATE, "identity_center": None})
    found = list(blind.discover(ground.vendor, Scope()))
    (gap,) = [f for f in found if isinstance(f, Gap)]
    assert "no `aws.identity_center`" in gap.cause


def test_without_a_rule_people_are_left_and_shown(ground: PeopleGround) -> None:
    """Like everything that a playbook does not speak of."""
    bare = ground.playbook.model_copy(update={"phases": ground.playbook.phases[:1]})
    left = [s for s in plan(replace(ground, playbook=bare)).skips if s.leaves_access]
    assert {s.address.kind for s in left} == {MEMBER, ASSIGNED, APPLICATION}


def test_an_assignment_that_aws_fails_to_make_is_told_with_its_reason(
    ground: PeopleGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS takes it, and then says that it failed: nobody calls that done."""
    change = next(c for c in plan(ground).changes if c.address.kind == ASSIGNED)
    seen = ground.connector.read(change.address.document)
    real = ground.connector.clients.do

    def failing(*args: Any, **words: Any) -> Any:
        found = real(*args, **words)
        if args[2] != "delete_account_assignment":
            return found
        status = {"Status": "FAILED", "RequestId": "r", "FailureReason": "no such role"}
        return {"AccountAssignmentDeletionStatus": status}

    monkeypatch.setattr(ground.connector.clients, "do", failing)
    with pytest.raises(ConnectorError) as caught:
        ground.connector.write(seen, [change], None, "token")
    assert "no such role" in caught.value.detail


@pytest.mark.parametrize(
    ("user", "wanted", "theirs"),
    [
        ({"UserName": "ann@mercor.example"}, ("*@mercor.example",), True),
        ({"UserName": "Ann@MERCOR.example"}, ("*@mercor.example",), True),
        (
            {"UserName": "x", "Emails": [{"Value": "ann@mercor.example"}]},
            ("ann@mercor.example",),
            1,
        ),
        ({"UserName": "ann@not-mercor.example"}, ("*@mercor.example",), False),
        ({"UserName": "ann@mercor.example.net"}, ("*@mercor.example",), False),
        ({"UserName": "ann@sub.mercor.example"}, ("*@mercor.example",), False),
        ({"UserName": "mercor.example"}, ("*@mercor.example",), False),
        ({"UserName": "pilot-2"}, ("pilot",), False),
        ({"UserName": "pilot"}, ("Pilot",), True),
    ],
)
def test_a_person_is_told_by_the_whole_name_or_domain(
    user: Json, wanted: tuple[str, ...], theirs: object
) -> None:
    """Never by a fragment of a name."""
    assert is_theirs(user, wanted) is bool(theirs)


def test_every_person_of_a_plan_is_named_for_those_who_read_it(ground: PeopleGround) -> None:
    """Ids say nothing at three in the morning."""
    told = {g.via for g in grants(ground) if g.address.kind in KINDS}
    assert f"ann in account {RESEARCH}" in told
    assert "ann in group raters" in told
    assert "ann in application desk" in told
    assert not [o for o in plan(ground).skips if isinstance(o, Skip) and not o.reason]
