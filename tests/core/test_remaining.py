"""What a rollback of a part leaves in place, and says so before anybody approves it."""

from dataclasses import replace

from stopline.model import Address, Breadth, Change, Scope, State
from stopline.planner import plan_restore
from stopline.receipts import Hold

PAUSE, LAB, ABOVE = "0000abcd", "111122223333", "o-abcdefghij"
USER = f"arn:aws:iam::{LAB}:user/vendors/mercor/ann"


def hold(realm: str, kind: str, principal: str, breadth: Breadth, *, spans: bool = False) -> Hold:
    """One pause's hold on one address."""
    after = State.of({"of": kind})
    where = Address("aws", realm, kind, "id")
    change = Change(
        where, None, after, "rule", breadth, marked=True, principal=principal, spans=spans
    )
    return Hold(where, PAUSE, None, after, change, written=True)


KEY = hold(LAB, "access-key", USER, Breadth.NARROW)
BUCKET = hold(LAB, "bucket-policy-statement", "arn:aws:s3:::labels", Breadth.TARGET)
CUT = hold(ABOVE, "service-control-attachment", ABOVE, Breadth.EVERYWHERE, spans=True)


def test_what_spans_the_realm_of_what_is_given_back_is_named() -> None:
    """It stays, whoever it denies: the key and the bucket come back, and may be of no use yet."""
    part = plan_restore("mercor", PAUSE, [KEY, BUCKET, CUT], Scope(realms=(LAB,)))
    assert {c.address for c in part.changes} == {KEY.address, BUCKET.address}
    (said,) = part.skips
    assert said.address == CUT.address
    assert said.reason == "this stays, and may deny it all the same"


def test_a_rollback_of_all_names_nothing_and_takes_it_last() -> None:
    """And one of the fast cut alone has nothing else to speak of."""
    whole = plan_restore("mercor", PAUSE, [CUT, KEY, BUCKET], Scope())
    assert whole.skips == ()
    assert whole.changes[-1].address == CUT.address
    alone = plan_restore("mercor", PAUSE, [CUT, KEY, BUCKET], Scope(realms=(ABOVE,)))
    assert [c.address for c in alone.changes] == [CUT.address]


def deny(pause: str, realm: str, kind: str, account: str, *, spans: bool = False) -> Hold:
    """A deny of one vendor's account, that spares stopline."""
    spared = {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/stopline/*"]}}
    condition = {"StringEquals": {"aws:PrincipalAccount": [account]}, **spared}
    after = State.of({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
    where = Address("aws", realm, kind, pause)
    breadth = Breadth.EVERYWHERE if spans else Breadth.TARGET
    principal = ABOVE if spans else "arn:aws:s3:::labels"
    change = Change(
        where, None, after, "rule", breadth, marked=True, principal=principal, spans=spans
    )
    return Hold(where, pause, None, after, change, written=True)


def test_another_vendors_fast_cut_is_not_named_and_another_pauses_of_this_vendor_is() -> None:
    """Only what denies somebody of those who get something back: the others' cut is theirs."""
    bucket = deny(PAUSE, LAB, "bucket-policy-statement", "444455556666")
    theirs = deny("0000bbbb", ABOVE, "resource-control-policy", "777788889999", spans=True)
    again = deny("0000cccc", ABOVE, "resource-control-policy", "444455556666", spans=True)
    attached = Address("aws", ABOVE, "resource-control-attachment", "r-root")
    cuts = [
        Hold(attached, h.pause, None, CUT.ours, replace(CUT.change, address=attached), written=True)
        for h in (theirs, again)
    ]
    part = plan_restore("mercor", PAUSE, [bucket, theirs, again, *cuts], Scope(realms=(LAB,)))
    assert [c.address for c in part.changes] == [bucket.address]
    assert {s.address for s in part.skips} == {again.address, attached}
