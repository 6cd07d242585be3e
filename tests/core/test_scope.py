"""Which scope admits what, and which scope covers another: a second trigger joins or does not."""

from itertools import product

import pytest

from stopline.model import Address, Scope

ADDRESS = Address("aws", "111122223333", "user", "annotator")
WHO = "arn:aws:iam::111122223333:user/vendors/mercor/annotator"
NARROWINGS = (
    Scope(),
    Scope(connectors=("aws",)),
    Scope(realms=("111122223333",)),
    Scope(realms=("111122223333", "222233334444")),
    Scope(principals=(WHO,)),
    Scope(addresses=(str(ADDRESS),)),
    Scope(connectors=("aws",), principals=(WHO,)),
    Scope(project="chordus"),
    Scope(project="chordus", realms=("111122223333",)),
)


def test_an_empty_scope_admits_everything() -> None:
    """Empty fields do not narrow."""
    assert Scope().admits(ADDRESS, WHO)
    assert Scope().admits(ADDRESS)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(connectors=("gcp",)),
        Scope(realms=("222233334444",)),
        Scope(principals=(WHO + "-2",)),
        Scope(principals=(WHO[:-1],)),
        Scope(addresses=(str(ADDRESS) + "/x",)),
        Scope(realms=("111122223333",), principals=("somebody",)),
    ],
)
def test_every_field_narrows_by_exact_text(scope: Scope) -> None:
    """One field that does not fit is enough to leave it out; a part of a name never fits."""
    assert not scope.admits(ADDRESS, WHO)


@pytest.mark.parametrize(
    "marked",
    [
        "aws:1:bucket-policy-statement:logs#StoplineJ0a1b2c3dP{}Acct",
        "aws:o-1:service-control-policy:StoplineScp-J0a1b2c3dP{}",
        "gcp:organizations/1:deny-entry:stopline-j0a1b2c3d-p{}#user:x@y",
        "payouts:ap:payable-hold:p1#StoplineJ0a1b2c3dP{}",
    ],
)
def test_an_address_with_a_pauses_mark_means_that_of_any_pause(marked: str) -> None:
    """Copied from a plan that was only looked at; another journal's is another's."""
    scope, mine = Scope(addresses=(marked.format("00000001"),)), marked.format("00000002")
    assert scope.admits(Address.parse(mine))
    assert scope.covers(Scope(addresses=(mine,)))
    assert not scope.admits(Address.parse(mine.replace("0a1b2c3d", "9e8d7c6b")))
    other = Scope(addresses=("aws:1:bucket:my-j0a1b2c3dp00000001",))
    assert not other.admits(Address.parse("aws:1:bucket:my-j0a1b2c3dp00000002"))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (Scope(), Scope()),
        (Scope(), Scope(project="chordus")),
        (Scope(), Scope(principals=(WHO,))),
        (Scope(realms=("1", "2")), Scope(realms=("2",))),
        (Scope(project="chordus"), Scope(project="chordus", connectors=("aws",))),
        (Scope(connectors=("aws",)), Scope(connectors=("aws",), principals=(WHO,))),
    ],
)
def test_a_wider_scope_covers_a_narrower_one(wide: Scope, narrow: Scope) -> None:
    """Then a trigger inside an open pause joins it."""
    assert wide.covers(narrow)
    assert narrow == wide or not narrow.covers(wide)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Scope(project="chordus"), Scope(project="cadence")),
        (Scope(realms=("1",)), Scope(realms=("1", "2"))),
        (Scope(realms=("1",)), Scope(principals=(WHO,))),
        (Scope(project="chordus"), Scope(realms=("1",))),
    ],
)
def test_another_scope_is_not_covered(one: Scope, other: Scope) -> None:
    """It opens a pause of its own; overlap is what holds are for."""
    assert not one.covers(other)


@pytest.mark.parametrize(("one", "other"), list(product(NARROWINGS, NARROWINGS)))
def test_covering_means_admitting(one: Scope, other: Scope) -> None:
    """What covers another admits whatever the other admits."""
    for address, who in product((ADDRESS, Address("gcp", "lab", "sa", "x")), (WHO, "somebody", "")):
        if one.covers(other) and other.admits(address, who):
            assert one.admits(address, who)


def test_a_scope_has_a_short_stable_name() -> None:
    """`all`, the project's name, or a digest that differs with every field."""
    assert Scope().key == "all"
    assert Scope(project="chordus").key == "chordus"
    keys = [scope.key for scope in NARROWINGS]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 12 for key in keys if key not in ("all", "chordus"))


def test_an_address_of_googles_is_in_a_scope_however_it_is_written() -> None:
    """Google compares them without case; an ARN is not its own in other letters."""
    address = Address("gcp", "1", "entry", "x")
    scope = Scope(principals=("user:Cy@lab.example", "arn:aws:iam::1:user/Cy"))
    assert scope.admits(address, "user:cy@Lab.example")
    assert not scope.admits(address, "arn:aws:iam::1:user/cy")
