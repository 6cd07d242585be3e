"""What a notice can be acknowledged with: for one journal, one notice, one time, one word."""

from dataclasses import replace

import pytest

from stopline.notices.tokens import is_genuine, is_proven, link_of, proof_of, read, token_of


def test_a_token_is_good_for_one_journal_one_notice_and_one_time() -> None:
    """Neither a copy of the journal nor a neighbouring notice takes it; it is not prolonged."""
    token = token_of("s", "journal-1", "a" * 64, 1_800_000_000.9)
    found = read(f" {token}\n")
    assert found is not None
    assert (found.key, found.until) == ("a" * 32, 1_800_000_000)
    assert is_genuine(found, "s", "journal-1")
    assert not is_genuine(found, "s", "journal-2")
    assert not is_genuine(found, "t", "journal-1")
    assert not is_genuine(replace(found, key="b" * 32), "s", "journal-1")
    assert not is_genuine(replace(found, until=found.until + 1), "s", "journal-1")


def test_a_proof_shows_that_one_has_the_token_and_does_not_give_it_away() -> None:
    """It is read like one, and neither it nor another word is taken for it."""
    token = token_of("s", "j", "a" * 64, 1_800_000_000)
    found = read(token)
    assert found is not None
    proof = read(proof_of(found, "ada", "on it"))
    assert proof is not None
    assert (proof.key, proof.until) == (found.key, found.until)
    assert found.signature not in proof_of(found, "ada", "on it")
    assert is_proven(proof, "s", "j", "ada", "on it")
    assert not is_genuine(proof, "s", "j")
    assert not is_proven(found, "s", "j", "ada", "on it")
    for by, reason in (("ad", "aon it"), ("ada", ""), ("", "ada")):
        assert not is_proven(proof, "s", "j", by, reason)


@pytest.mark.parametrize("text", ["", "a", "a" * 32, f"{'a' * 32}.ffffffff", "\u0660" * 74])
def test_what_is_no_token_is_not_read(text: str) -> None:
    """Nothing else is looked at."""
    assert read(text) is None


def test_a_link_is_our_own_address_and_the_token() -> None:
    """With and without a slash at its end."""
    assert link_of("https://a/b", "t") == link_of("https://a/b/", "t") == "https://a/b/ack/t"
