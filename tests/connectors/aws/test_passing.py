"""Roles of ours that the vendor may hand to a service: what runs as them outlives the vendor."""

from dataclasses import replace

import pytest
from support.aws import PLAYBOOK, RESEARCH, VENDOR

from stopline.connectors.aws.opinion import contained
from stopline.connectors.aws.passing import passing
from stopline.connectors.aws.selection import Identity, select
from stopline.model import Grant, Skip
from stopline.port import Mark, Terms
from stopline.text import Json

TERMS = Terms(VENDOR, PLAYBOOK, Mark("0a1b2c3d", "00000001"))
LAMBDA, EC2 = "lambda.amazonaws.com", "ec2.amazonaws.com"


def a_role(name: str, *services: str, path: str = "/", account: str = RESEARCH) -> Identity:
    """A role that services take."""
    trust = [
        {"Effect": "Allow", "Principal": {"Service": s}, "Action": "sts:AssumeRole"}
        for s in services
    ]
    arn = f"arn:aws:iam::{account}:role{path}{name}"
    return Identity("role", account, name, arn, path, "AROA1", {}, trust={"Statement": trust})


def annotator(*statements: Json) -> Identity:
    """A user of the vendor's, with these statements."""
    arn = f"arn:aws:iam::{RESEARCH}:user/vendors/mercor/annotator"
    documents = ({"Statement": list(statements)},)
    return Identity(
        "user", RESEARCH, "annotator", arn, "/vendors/mercor/", "AIDA1", {}, documents=documents
    )


def found(*identities: Identity) -> list[Grant]:
    """What is found among principals."""
    return list(passing(identities, select(identities, VENDOR.aws_of())))


def allow(action: str, resource: str = "*", **words: Json) -> Json:
    """A statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **words}


ETL = a_role("etl", LAMBDA, EC2)


def test_a_role_that_it_may_hand_to_a_service_is_named_and_left_open() -> None:
    """By user, role and service; nothing is planned for a role that the lab's own work runs as."""
    (grant,) = found(annotator(allow("iam:*")), ETL, a_role("ops", EC2))
    (skip,) = contained(grant, TERMS)
    assert isinstance(skip, Skip)
    assert skip.leaves_access
    assert skip.principal.endswith("user/vendors/mercor/annotator")
    assert f"etl ({EC2}, {LAMBDA}); ops ({EC2})" in skip.reason


@pytest.mark.parametrize(
    "statements",
    [
        (),
        (allow("iam:GetRole"),),
        (allow("iam:PassRole", "arn:aws:iam::*:role/other"),),
        (allow("iam:PassRole"), {**allow("iam:PassRole", ETL.arn), "Effect": "Deny"}),
    ],
    ids=["nothing", "another act", "another role", "denied"],
)
def test_who_may_not_hand_it_over_is_not_named(statements: tuple[Json, ...]) -> None:
    """An explicit deny counts."""
    assert not found(annotator(*statements), ETL)


def test_trap_the_service_that_a_condition_names_is_the_only_one() -> None:
    """`iam:PassedToService` narrows it; a condition that nobody can tell counts as met."""
    condition: Json = {"StringEquals": {"iam:PassedToService": LAMBDA}}
    (grant,) = found(annotator(allow("iam:PassRole", Condition=condition)), ETL)
    assert grant.state.value["roles"] == {"etl": [LAMBDA]}
    unknown: Json = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    (grant,) = found(annotator(allow("iam:PassRole", Condition=unknown)), ETL)
    assert grant.state.value["roles"] == {"etl": [EC2, LAMBDA]}


def test_roles_of_services_themselves_of_the_vendor_and_of_other_accounts_are_not_named() -> None:
    """Nobody hands over a linked role or another account's; the vendor's own is contained."""
    linked = a_role("AWSServiceRoleForX", LAMBDA, path="/aws-service-role/x/")
    own = a_role("pull", LAMBDA, path="/vendors/mercor/")
    elsewhere = a_role("far", LAMBDA, account="222233334444")
    assert not found(annotator(allow("*")), linked, own, elsewhere)
    people = replace(a_role("people"), trust={"Statement": []})
    assert not found(annotator(allow("*")), people)


def test_of_many_roles_three_are_named_and_the_rest_is_counted() -> None:
    """A reason is read by a person."""
    (grant,) = found(annotator(allow("*")), *(a_role(f"r{n}", EC2) for n in range(5)))
    (skip,) = contained(grant, TERMS)
    assert isinstance(skip, Skip)
    assert "r2 (ec2.amazonaws.com) and 2 more" in skip.reason
