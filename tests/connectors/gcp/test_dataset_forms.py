"""The list of a dataset and the policy that it is are two forms of one thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.google import DATASET, KIM, ORG, PULL, SUBJECT, UNTIL, VIEW

from stopline.connectors.gcp import commands, datasets
from stopline.connectors.gcp.bindings import Entry, edited, entries
from stopline.errors import ConnectorError
from stopline.model import Address, Breadth, Change, State
from stopline.receipts import Cause
from stopline.text import Json, canonical

OWNERS: Json = {"role": "OWNER", "specialGroup": "projectOwners"}


def reader(member: str, **more: Json) -> Json:
    """Somebody reads."""
    return {"role": "READER", "userByEmail": member.partition(":")[2], **more}


SAID = st.sampled_from(
    (
        OWNERS,
        VIEW,
        {"routine": {"projectId": "p", "datasetId": "d", "routineId": "r"}},
        {"dataset": {"dataset": {"projectId": "p", "datasetId": "d"}, "targetTypes": ["VIEWS"]}},
        reader(KIM),
        reader(KIM, condition=UNTIL),
        reader(PULL),
        {"role": "WRITER", "specialGroup": "allAuthenticatedUsers"},
        {"role": "READER", "iamMember": "allUsers"},
        {"role": "READER", "iamMember": SUBJECT},
        {"role": "READER", "iamMember": f"deleted:{KIM}?uid=1"},
        {"role": "READER", "groupByEmail": "raters@mercor.example"},
        {"role": "organizations/1/roles/labeller", "domain": "mercor.example"},
    )
)


def said(*access: Json) -> Json:
    """What is answered of a dataset."""
    place = {"projectId": "lab-data", "datasetId": "answers"}
    return {"datasetReference": place, "etag": "e1", "access": list(access)}


@given(st.lists(SAID, unique_by=str), st.lists(SAID, unique_by=str))
def test_a_list_comes_back_as_it_was_read(here: list[Json], gone: list[Json]) -> None:
    """Word for word and in its order; what was taken out and is put in again, in its own form."""
    policy = datasets.policy(said(*here))
    assert datasets.access(policy) == here
    out = entries(datasets.policy(said(*gone)))
    out = frozenset(e for e in out if not e.standing)
    less = edited(policy, out, ())
    kept = [e for e in here if not entries(datasets.policy(said(e))) & out]
    assert datasets.access(less) == kept
    back = datasets.access(edited(less, (), out & entries(policy)))
    assert sorted(map(canonical, back)) == sorted(map(canonical, here))


def test_a_person_is_the_same_in_either_field() -> None:
    """`iamMember: user:x` comes back from Google as `userByEmail: x`."""
    one = datasets.policy(said({"role": "READER", "iamMember": KIM}))
    assert entries(one) == entries(datasets.policy(said(reader(KIM))))
    both = edited(one, (), [Entry("roles/bigquery.dataViewer", KIM)])
    assert datasets.access(both) == [{"role": "READER", "iamMember": KIM}]


def test_a_condition_that_is_hidden_is_refused() -> None:
    """In either spelling that Google has for it."""
    for role in ("READER_withcond_0a", "roles/bigquery.dataViewer_with_conditionalbinding_0a"):
        with pytest.raises(ConnectorError) as caught:
            entries(datasets.policy(said({**reader(KIM), "role": role})))
        assert caught.value.cause is Cause.REFUSED


def by_hand(member: str, condition: Json = None, *, back: bool = False) -> str:
    """The command for one entry."""
    value: dict[str, Json] = {"member": member, "role": "roles/bigquery.dataViewer"}
    value |= {"condition": condition} if condition else {}
    where = Address("gcp", ORG, "allow-policy-entry", f"{DATASET}#roles/x/{member}")
    state = State.of(value)
    change = Change(where, state, None, "rule", Breadth.NARROW)
    return commands.commands(where.document, [change.inverse() if back else change]).lines[-1]


def test_a_person_can_do_it_by_hand() -> None:
    """In SQL, which knows no conditions and no pools; what it cannot say is said to be undone."""
    ask = "bq query --project_id=lab-data --use_legacy_sql=false"
    what = "`roles/bigquery.dataViewer` ON SCHEMA `lab-data`.`answers`"
    assert by_hand(KIM) == f"{ask} 'REVOKE {what} FROM \"{KIM}\"'"
    assert by_hand(KIM, back=True) == f"{ask} 'GRANT {what} TO \"{KIM}\"'"
    assert by_hand(KIM, UNTIL).startswith("not_done ")
    assert by_hand(SUBJECT).startswith("not_done ")
