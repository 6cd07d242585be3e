"""Whom a deny of ours would hit: evaluated before it is sent, and cautiously."""

import pytest

from stopline.connectors.aws import conditions, lockout
from stopline.text import Json

US = "arn:aws:iam::111122223333:role/stopline/worker"
ARNS = [
    ("arn:aws:iam::111122223333:role/stopline/*", US, True),
    ("arn:aws:iam::*:role/stopline/*", US, True),
    ("arn:aws:*::111122223333:*", US, True),
    ("arn:aws:iam::444455556666:*", US, False),
    ("arn:aws:iam*", US, False),  # a `*` reaches over no colon
    ("*", US, False),
    ("arn:aws:iam::111122223333:role/Stopline/worker", US, False),
]


@pytest.mark.parametrize(("pattern", "arn", "alike"), ARNS)
def test_arns_are_compared_field_by_field(pattern: str, arn: str, alike: bool) -> None:  # noqa: FBT001
    """As `ArnLike` does, in which case counts as well."""
    assert conditions.arn_like(pattern, arn) is alike


CONDITIONS = [
    (None, True),
    ({"StringEquals": {"aws:PrincipalAccount": "111122223333"}}, True),
    ({"StringEquals": {"aws:PrincipalAccount": ["444455556666"]}}, False),
    ({"ArnLike": {"aws:PrincipalArn": [US]}}, True),
    ({"ArnNotLike": {"aws:PrincipalArn": [US]}}, False),
    ({"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:root"]}}, True),
    ({"StringEquals": {"sts:ExternalId": ["mercor-1"]}}, False),
    ({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}, True),
    ({"BoolIfExists": {"aws:PrincipalIsAWSService": "true"}}, False),
    ({"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}, True),
    (
        {"ArnLike": {"aws:PrincipalArn": [US]},
         "StringEquals": {"aws:PrincipalAccount": ["444455556666"]}},
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "hit"), CONDITIONS)
def test_every_condition_must_hold_and_an_unknown_one_does(
    condition: Json,
    hit: bool,  # noqa: FBT001
) -> None:
    """All conditions of a deny count together; one that is not understood is taken as met."""
    statement = {"Effect": "Deny", "Principal": "*", "Condition": condition}
    assert lockout.hits(statement, US) is hit


def test_a_deny_for_an_identity_provider_hits_no_principal_of_iam() -> None:
    """It speaks of whom the provider vouches for."""
    provider = "arn:aws:iam::111122223333:saml-provider/mercor-idp"
    assert not lockout.hits({"Effect": "Deny", "Principal": {"Federated": [provider]}}, US)


def test_the_first_who_is_hit_is_named() -> None:
    """The message of a refused write says who it was."""
    deny = {"Condition": {"ArnLike": {"aws:PrincipalArn": [US]}}}
    assert lockout.hit([deny], ["arn:aws:iam::111122223333:root", US]) == US
    assert lockout.hit([], [US]) == ""
