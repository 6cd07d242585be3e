"""Texts and patterns as properties: what is put in comes out again, and nothing else with it."""

import json
import string
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from stopline.connectors.aws import marks, policy
from stopline.connectors.aws.documents import composed
from stopline.model import Address, Breadth, Change, State
from stopline.text import Json

FAST = settings(max_examples=150, deadline=None, derandomize=True)
JOURNAL, FIRST, SECOND = "0a1b2c3d", "00000001", "00000002"

words = st.text(string.ascii_letters + 'äö漢 "\\/', min_size=1, max_size=8)
statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"]), "Action": st.lists(words, max_size=2) | words},
    optional={"Sid": words, "Principal": words, "Condition": st.dictionaries(words, words)},
)
listed = st.lists(statements, min_size=1, max_size=4)
bodies = st.fixed_dictionaries(
    {"Statement": statements | listed},
    optional={"Version": st.sampled_from(["2008-10-17", "2012-10-17"]), "Id": words},
)


def written(body: Json, indent: int | None, around: str, *, escaped: bool) -> str:
    """One way of many to write the same policy."""
    return f"{around}{json.dumps(body, indent=indent, ensure_ascii=escaped)}{around}"


texts = st.just("") | st.builds(
    written,
    bodies,
    st.sampled_from([None, 0, 1, 4]),
    st.sampled_from(["", "\n", "  \t"]),
    escaped=st.booleans(),
)


def changes(pause: str = FIRST) -> list[Change]:
    """The two statements of one pause."""
    made = []
    for part in ("Acct", "Own"):
        sid = marks.sid(JOURNAL, pause, part)
        where = Address("aws", "111122223333", "bucket-policy-statement", f"data#{sid}")
        after = State.of({"Sid": sid, "Effect": "Deny"})
        made.append(Change(where, None, after, "rule", Breadth.TARGET, marked=True))
    return made


def lifted(pause: str = FIRST) -> list[Change]:
    """Their inverse."""
    return [c.inverse() for c in changes(pause)]


def sids(text: str) -> list[Json]:
    """The statements that are not ours, in their order."""
    if not text:
        return []
    found = policy.listed(json.loads(text)["Statement"])
    return [s for s in found if not marks.journal_of_sid(str(s.get("Sid", "")))]


@FAST
@given(texts)
def test_a_text_comes_back_as_it_was(raw: str) -> None:
    """Whatever its spaces, letters, order and shape; no policy at all comes back as none."""
    put = composed(raw, changes(), raw)
    assert put != raw
    assert composed(put, changes(), raw) == put
    assert composed(put, lifted(), raw) == raw


@FAST
@given(texts, st.permutations([FIRST, SECOND]))
def test_two_pauses_share_a_text_and_leave_it_in_either_order(raw: str, order: list[str]) -> None:
    """The first one's original is the document's; the last one gives it back."""
    both = composed(composed(raw, changes(), raw), changes(SECOND), raw)
    one, two = order
    rest = composed(both, lifted(one), raw)
    assert len(policy.statements(json.loads(rest))) == len(sids(raw)) + 2
    assert composed(rest, lifted(two), raw) == raw


@FAST
@given(texts, statements)
def test_a_strangers_statement_stays_in_its_place(raw: str, theirs: Json) -> None:
    """Added while we hold: theirs is there afterwards, ours is not, all else is as it was."""
    put = json.loads(composed(raw, changes(), raw))
    put["Statement"].append(theirs)
    after = composed(json.dumps(put), lifted(), raw)
    assert sids(after) == [*sids(raw), theirs]
    assert "Stopline" not in after
    rest = {k: v for k, v in json.loads(after).items() if k != "Statement"}
    before = json.loads(raw) if raw else {"Version": "2012-10-17"}
    assert rest == {k: v for k, v in before.items() if k != "Statement"}


letters = st.text("ab*?[", max_size=6)


@FAST
@given(letters, st.text("ab[", max_size=5))
def test_a_pattern_matches_as_the_standard_library_says(pattern: str, text: str) -> None:
    """`*` and `?`, and a bracket that is a letter."""
    expected = fnmatchcase(text, pattern.replace("[", "[[]"))
    assert policy.matches([pattern], text) is expected
    assert (len(pattern) in policy._positions(pattern, text)) is expected


@FAST
@given(letters, st.text("ab", max_size=4), st.text("ab", max_size=4))
def test_a_pattern_overlaps_a_bucket_exactly_when_something_in_it_matches(
    pattern: str, bucket: str, key: str
) -> None:
    """Whatever it matches in there is seen; and where an overlap is seen, there is such a key."""
    resource, whole = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{pattern}"
    if policy.matches([whole], f"{resource}/{key}") or policy.matches([whole], resource):
        assert policy._overlap(whole, resource)
    if policy._overlap(whole, resource):
        rests = (whole[at:] for at in policy._positions(whole, f"{resource}/"))
        keys = [rest.replace("*", "").replace("?", "a") for rest in rests]
        inside = (f"{resource}/{k}" for k in keys)
        assert any(policy.matches([whole], arn) for arn in (resource, *inside))
