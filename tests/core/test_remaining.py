"""What a rollback of a part leaves in place, and says so before anybody approves it."""

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
