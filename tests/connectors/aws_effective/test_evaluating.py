"""Effective access: what is refused, what is allowed, and what nobody can tell."""

import os
from dataclasses import replace
from random import Random

import pytest
from support.oracle import OURS, THEIRS, Case, cases, disagreements, missing

from stopline.connectors.aws.evaluating import Answer, Policies, Request, evaluate
from stopline.text import Json

ANN = f"arn:aws:iam::{OURS}:user/ann"
BOT = f"arn:aws:iam::{THEIRS}:role/bot"
QUEUE = f"arn:aws:sqs:us-east-1:{OURS}:labels"
ALL: Json = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
DENY: Json = {"Effect": "Deny", "Action": "*", "Resource": "*"}


def asked(principal: str = ANN, action: str = "sqs:SendMessage", **context: str) -> Request:
    """A request of which only this much is known."""
    account = principal.split(":")[4]
    known = {"aws:principalarn": (principal,), "aws:principalaccount": (account,)}
    more = {f"aws:{key.lower()}": (value,) for key, value in context.items()}
    return Request(principal, account, action, QUEUE, OURS, {**known, **more})


def policy(*statements: Json) -> Json:
    """A document of these statements."""
    return {"Statement": list(statements)}


def let(principal: Json, **more: Json) -> Json:
    """A statement of a queue's policy that lets somebody in."""
    return {"Effect": "Allow", "Principal": principal, "Action": "sqs:*", "Resource": QUEUE, **more}


@pytest.mark.skipif(bool(missing()) and not os.environ.get("CI"), reason=missing() or "it is there")
def test_another_evaluator_says_the_same() -> None:
    """Of requests and policies that are generated: users and sessions, ours and a stranger's."""
    assert missing() == ""
    told, counted = disagreements(list(cases(seed=7, number=600)))
    assert told == []
    assert counted["allowed"] > 100
    assert counted["refused"] > 100
    assert set(counted) == {"allowed", "refused"}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_of_the_little_that_is_known_holds_when_all_is_known(seed: int) -> None:
    """Who knows fewer of the circumstances may say "cannot tell", and never what is wrong."""
    chance, told = Random(seed), 0
    for case in cases(seed, 400):
        known = {k: v for k, v in case.request.context.items() if chance.random() < 0.5}
        less = replace(case.request, context=known, complete=False)
        answer = evaluate(less, case.policies)
        told += answer is not Answer.UNKNOWN
        assert answer in (Answer.UNKNOWN, evaluate(case.request, case.policies)), case
    assert told > 200


def test_an_unconditional_deny_wins_over_everything_that_is_not_known() -> None:
    """Wherever it stands: with the principal, its boundary, its session, the target, above it."""
    for place in ("identity", "scps", "rcps", "boundary", "session", "resource"):
        deny = policy({**DENY, **({"Principal": "*"} if place == "resource" else {})})
        odd = let("*", Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
        whole = Policies((ALL,), resource=policy(odd))
        said = {"identity": (ALL, deny), "scps": ((ALL, deny),), "rcps": (deny,)}
        assert evaluate(asked(), whole) is Answer.ALLOWED
        denied = replace(whole, **{place: said.get(place, deny)})
        assert evaluate(asked(), denied) is Answer.REFUSED, place


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceVpc": "vpc-1"}},
        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/${aws:username}"}},
        {"BinaryEquals": {"aws:PrincipalArn": "QUJD"}},
        {"SomethingNew": {"aws:PrincipalArn": ANN}},
        {"DateLessThan": {"aws:PrincipalArn": "yesterday"}},
        {"Null": {"aws:SourceVpc": "true"}},
        {"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}},
    ],
)
def test_a_condition_that_is_not_understood_is_no_refusal(condition: Json) -> None:
    """Neither on an allow, nor on the deny that would be the proof."""
    alone = Policies((policy({"Effect": "Allow", "Action": "*", "Resource": "*",
                              "Condition": condition}),))  # fmt: skip
    assert evaluate(asked(), alone) is Answer.UNKNOWN
    denied = Policies((ALL, policy({**DENY, "Condition": condition})))
    assert evaluate(asked(), denied) is Answer.UNKNOWN


@pytest.mark.parametrize("key", ["NotPrincipal", "Principal"])
def test_whom_a_policy_does_not_name_plainly_cannot_be_told(key: str) -> None:
    """`NotPrincipal` by whom it leaves out, a canonical id by its account."""
    whom = {"AWS": ANN} if key == "NotPrincipal" else {"CanonicalUser": "79a59df900b9"}
    statement = {k: v for k, v in let("*").items() if k != "Principal"} | {key: whom}
    assert evaluate(asked(BOT), Policies(resource=policy(statement))) is Answer.UNKNOWN
    denied = policy(let("*"), {**statement, "Effect": "Deny"})
    assert evaluate(asked(BOT), Policies(resource=denied)) is Answer.UNKNOWN


def test_a_stranger_needs_both_its_own_policies_and_the_targets() -> None:
    """Its own are not known, and taken to allow; the target's must name it, or its account."""
    for principal, answer in (
        ({"AWS": f"arn:aws:iam::{THEIRS}:root"}, Answer.ALLOWED),
        ({"AWS": THEIRS}, Answer.ALLOWED),
        ({"AWS": BOT}, Answer.ALLOWED),
        ("*", Answer.ALLOWED),
        ({"AWS": f"arn:aws:iam::{OURS}:root"}, Answer.REFUSED),
        ({"Service": "s3.amazonaws.com"}, Answer.REFUSED),
    ):
        assert evaluate(asked(BOT), Policies(resource=policy(let(principal)))) is answer
    none = Policies((), resource=policy(let("*")))
    assert evaluate(asked(BOT), none) is Answer.REFUSED


def test_a_keys_own_policy_has_the_first_word() -> None:
    """KMS asks the account's policies only where the key's policy says so; SQS always does."""
    for action, answer in (("kms:Decrypt", Answer.REFUSED), ("sqs:SendMessage", Answer.ALLOWED)):
        assert evaluate(asked(action=action), Policies((ALL,))) is answer
    root = let({"AWS": OURS}, Action="kms:*", Resource="*")
    assert evaluate(asked(action="kms:Decrypt"), Policies((ALL,), resource=policy(root))) is (
        Answer.ALLOWED
    )


def test_every_level_above_must_allow() -> None:
    """An organisation's policy grants nothing, and one level without an allow refuses."""
    assert evaluate(asked(), Policies((ALL,), scps=((ALL,), (ALL,)))) is Answer.ALLOWED
    assert evaluate(asked(), Policies((ALL,), scps=((ALL,), ()))) is Answer.REFUSED
    assert evaluate(asked(), Policies((), scps=((ALL,),))) is Answer.REFUSED


def test_the_cases_are_the_same_for_the_same_seed() -> None:
    """So that what differed once can be asked again."""
    twice: list[list[Case]] = [list(cases(3, 20)), list(cases(3, 20))]
    assert twice[0] == twice[1]
