"""Whose a principal is, and by which way: path, tag, ARN, and the closure of trusts."""

from dataclasses import replace
from typing import Any

import pytest
from support.aws import (
    DATA,
    EXTERNAL,
    MERCER,
    MERCOR,
    PLAYBOOK,
    RESEARCH,
    VENDOR,
    Cloud,
    allow,
    bucket_policy,
    trust,
)

from stopline.connectors.aws.policy import matches
from stopline.connectors.aws.selection import Identity, Selected, select
from stopline.model import Change, Grant, Scope
from stopline.port import Mark, Terms
from stopline.text import Json
from stopline.vendors import AwsSelectors, Project

TERMS = Terms(VENDOR, PLAYBOOK, Mark("0a1b2c3d", "00000001"))
ARN = "aws:PrincipalArn"
PRINCIPALS = (
    ("user", "/vendors/mercor/annotator"),
    ("user", "/vendors/mercor/later"),
    ("user", "/svc-annotation-sync"),
    ("user", "/pilot"),
    ("role", "/both"),
    ("user", "/staff/mercor-liaison"),
)
LAB_ROOT = f"arn:aws:iam::{RESEARCH}:root"


def identity(kind: str, name: str, path: str = "/", **words: Any) -> Identity:
    """A principal of one of the estate's accounts."""
    account = words.pop("account", RESEARCH)
    tags = words.pop("tags", {})
    arn = f"arn:aws:iam::{account}:{kind}{path}{name}"
    return Identity(kind, account, name, arn, path, f"uid-{name}", tags, **words)


def user(name: str, path: str = "/", **words: Any) -> Identity:
    """A user."""
    return identity("user", name, path, **words)


def role(name: str, principal: Json, path: str = "/", **words: Any) -> Identity:
    """A role that somebody can assume."""
    condition = words.pop("condition", None)
    return identity("role", name, path, trust=trust(principal, condition), **words)


def selected(*identities: Identity, selectors: AwsSelectors = VENDOR.aws) -> dict[str, Selected]:
    """What is selected, by name."""
    return {s.identity.name: s for s in select(identities, selectors)}


ANNOTATOR = user("annotator", "/vendors/mercor/")
BYSTANDERS = {
    "a path that only begins alike": user("partner-bot", "/vendors/mercor-partners/"),
    "a name with the vendor's in it": user("mercor-liaison", "/staff/"),
    "a path with the vendor's inside": user("x", "/old/vendors/mercor/"),
    "a look-alike's path": user("mercer-loader", "/vendors/mercer/"),
    "another value of the tag": user("y", tags={"vendor": "mercer"}),
    "the tag in other letters": user("z", tags={"Vendor": "mercor"}),
    "a role of a look-alike": role("mercor-desk", {"AWS": MERCER}),
    "a role of the lab's own": role("deploy", {"Service": "ec2.amazonaws.com"}),
    "a role that trusts a look-alike user": role(
        "by-name", {"AWS": f"arn:aws:iam::{RESEARCH}:user/annotator-2"}
    ),
}


@pytest.mark.parametrize("name", BYSTANDERS)
def test_a_look_alike_is_not_selected(name: str) -> None:
    """Never by a fragment of a name: by path, tag, ARN, or a trust that says so."""
    assert not selected(BYSTANDERS[name])


@pytest.mark.parametrize(
    ("found", "vouched"),
    [
        (ANNOTATOR, True),
        (user("loader", "/vendors/mercor/chordus/"), True),
        (user("svc-annotation-sync"), True),
        (user("pilot", tags={"vendor": "mercor"}), False),
        (user("both", "/vendors/mercor/", tags={"vendor": "mercor"}), True),
        (role("intake", {"Service": "ec2.amazonaws.com"}, "/vendors/mercor/"), True),
    ],
)
def test_what_the_file_selects_is_selected(found: Identity, *, vouched: bool) -> None:
    """A path and an ARN can be relied on; a tag can be written by whoever may tag."""
    (one,) = selected(found).values()
    assert one.vouched is vouched
    assert one.via


def test_the_closure_follows_trusts_from_role_to_role() -> None:
    """Three roles deep, in any order, through another account: all of them are within reach."""
    first = role("first", {"AWS": MERCOR})
    second = role("second", {"AWS": first.arn}, account=DATA)
    session = f"arn:aws:sts::{DATA}:assumed-role/second/anything"
    third = role("third", {"AWS": session})
    found = selected(third, second, first)
    assert set(found) == {"first", "second", "third"}
    assert found["third"].via == "trust: chain: role/second"
    assert not any(one.shared_with for one in found.values())


def test_the_closure_ends_where_roles_trust_each_other() -> None:
    """A circle of trusts is walked once, and only with a way in from outside."""
    arns = [f"arn:aws:iam::{RESEARCH}:role/{n}" for n in ("a", "b")]
    circle = [role("a", {"AWS": arns[1]}), role("b", {"AWS": arns[0]})]
    assert not selected(*circle)
    opened = role("c", {"AWS": MERCOR})
    circle[0] = role("a", {"AWS": [arns[1], opened.arn]})
    assert set(selected(*circle, opened)) == {"a", "b", "c"}


def test_a_role_behind_the_root_needs_a_policy_that_leads_there() -> None:
    """Our own root in a trust lets in whom the account's policies allow, and nobody else."""
    desk = role("desk", {"AWS": LAB_ROOT})
    may = replace(ANNOTATOR, documents=(allow("sts:AssumeRole", desk.arn),))
    elsewhere = replace(ANNOTATOR, documents=(allow("sts:AssumeRole", f"{desk.arn}-2"),))
    assert selected(desk, may)["desk"].via.startswith("chain: user annotator")
    assert "desk" not in selected(desk, elsewhere)
    assert "desk" not in selected(desk, ANNOTATOR)
    stranger = user("lab", documents=(allow("*", "*"),))
    assert not selected(desk, stranger)


def test_a_role_that_others_assume_too_names_them() -> None:
    """A deny would cut them off as well, so that it is not decided in passing."""
    both = role("both", {"AWS": [MERCOR, f"arn:aws:iam::{MERCER}:root"]})
    assert any(MERCER in who for who in selected(both)["both"].shared_with)
    alone = role("alone", {"AWS": "*"}, condition={"StringEquals": {"sts:ExternalId": EXTERNAL}})
    assert not selected(alone)["alone"].shared_with


def test_what_is_reached_through_a_tag_alone_is_a_tags_word() -> None:
    """An attacker that tags a role as the vendor's leads no containment further than that."""
    tagged = user("tagged", tags={"vendor": "mercor"})
    behind = role("behind", {"AWS": tagged.arn})
    found = selected(tagged, behind)
    assert not found["behind"].vouched
    sure = role("behind", {"AWS": [tagged.arn, MERCOR]})
    again = selected(tagged, sure)["behind"]
    assert again.vouched
    assert again.shared_with, "whom only a tag calls the vendor's is somebody else here"


def test_a_role_that_is_tagged_and_trusted_is_vouched_for() -> None:
    """The trust says it without the tag."""
    assert selected(role("r", {"AWS": MERCOR}, tags={"vendor": "mercor"}))["r"].vouched


def test_nothing_selects_nothing() -> None:
    """Empty selectors select nobody, not everybody."""
    everyone = (ANNOTATOR, role("intake", {"AWS": MERCOR}))
    assert not selected(*everyone, selectors=AwsSelectors())


def test_a_project_has_selectors_of_its_own() -> None:
    """A scope that names a project looks for that project only; an unknown one for nothing."""
    narrow = AwsSelectors(paths=("/vendors/mercor/chordus/",))
    vendor = VENDOR.model_copy(update={"projects": {"chordus": Project(aws=narrow)}})
    assert vendor.aws_of("chordus") == narrow
    assert vendor.aws_of("nothing").empty


def test_a_pause_of_the_whole_vendor_leaves_in_nobody_whom_only_a_project_names() -> None:
    """A role, an account and a tag that are a project's are found without naming the project."""
    alone = AwsSelectors(
        principals=("arn:aws:iam::*:role/chordus-*",),
        accounts=("444455558888",),
        tags={"vendor": "mercor-chordus"},
    )
    vendor = VENDOR.model_copy(update={"projects": {"chordus": Project(aws=alone)}})
    whole = vendor.aws_of()
    assert whole.accounts == (*VENDOR.aws.accounts, "444455558888")
    assert {"vendor": ("mercor", "mercor-chordus")}.items() <= whole.tags.items()
    found = selected(
        role("chordus-ingest", {"AWS": "arn:aws:iam::123456789012:root"}),
        role("exchange", {"AWS": "arn:aws:iam::444455558888:root"}),
        user("pilot", tags={"vendor": "mercor-chordus"}),
        user("other", tags={"vendor": "mercor"}),
        user("nobody"),
        selectors=whole,
    )
    assert set(found) == {"chordus-ingest", "exchange", "pilot", "other"}


def test_a_bucket_deny_takes_in_nobody_on_a_tags_word(cloud: Cloud) -> None:
    """The vendor's own by path and ARN; a tag, or a role that others share, must not widen it."""
    cloud.user("annotator")
    cloud.user("svc-annotation-sync", "/")
    cloud.user("pilot", "/", Tags=[{"Key": "vendor", "Value": "mercor"}])
    cloud.role("both", trust({"AWS": [MERCOR, MERCER]}))
    cloud.user("mercor-liaison", "/staff/")
    cloud.bucket("data", bucket_policy("data", {"AWS": MERCOR}))
    aws = cloud.connector()
    denied = [
        pattern
        for found in aws.discover(VENDOR, Scope())
        if isinstance(found, Grant) and found.address.kind == "bucket"
        for change in aws.contained(found, TERMS)
        if isinstance(change, Change) and change.after
        for pattern in change.after.value["Condition"].get("ArnLike", {}).get(ARN, ())
    ]
    hit = {
        name
        for kind, name in PRINCIPALS
        if matches(denied, f"arn:aws:iam::{RESEARCH}:{kind}{name}")
    }
    assert hit == {"/vendors/mercor/annotator", "/vendors/mercor/later", "/svc-annotation-sync"}


def test_discovery_selects_in_every_account(cloud: Cloud) -> None:
    """A role in one account that trusts a user of another is found, with the way that led there."""
    cloud.user("annotator")
    arn = f"arn:aws:iam::{RESEARCH}:user/vendors/mercor/annotator"
    cloud.role("by-user", trust({"AWS": arn}), account=DATA)
    cloud.user("mercor-liaison", "/staff/")
    found = cloud.connector().discover(VENDOR, Scope())
    grants = {g.address.id: g for g in found if isinstance(g, Grant)}
    assert grants["by-user"].address.realm == DATA
    assert "annotator" in grants["by-user"].via
    assert not [name for name in grants if "liaison" in name]
    assert all(g.uid for g in grants.values() if g.address.kind in ("user", "role"))
