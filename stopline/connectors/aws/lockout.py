"""Whether a deny of ours would hit somebody who must never be hit. Pure, and cautious.

It is asked of our own statements only, right before they are sent: of ourselves and of the root of
the account. A condition that is not understood here counts as hitting.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Callable, Iterable, Mapping

from stopline.connectors.aws.conditions import arn_like
from stopline.connectors.aws.policy import account_of, listed
from stopline.text import Json


def _account(values: Iterable[str], arn: str) -> bool:
    return account_of(arn) in values


def _like(values: Iterable[str], arn: str) -> bool:
    return any(arn_like(value, arn) for value in values)


def _service(values: Iterable[str], _arn: str) -> bool:
    return "false" in [value.lower() for value in values]


_Test = Callable[[Iterable[str], str], bool]
_TESTS: Mapping[tuple[str, str], _Test] = {
    ("StringEquals", "aws:PrincipalAccount"): _account,
    ("ArnLike", "aws:PrincipalArn"): _like,
    ("ArnNotLike", "aws:PrincipalArn"): lambda values, arn: not _like(values, arn),
    ("BoolIfExists", "aws:PrincipalIsAWSService"): _service,
    ("StringEquals", "sts:ExternalId"): lambda _values, _arn: False,
}
"""Who passes the vendor's external id is the vendor, whatever its name."""


def hits(statement: Json, arn: str) -> bool:
    """Whether a deny applies to requests of a principal of IAM."""
    principal = statement.get("Principal")
    if isinstance(principal, dict) and set(principal) <= {"Federated", "Service"}:
        return False
    for operator, pairs in (statement.get("Condition") or {}).items():
        for key, values in pairs.items():
            test = _TESTS.get((operator, key))
            if test is not None and not test([str(v) for v in listed(values)], arn):
                return False
    return True


def hit(statements: Iterable[Json], arns: Iterable[str]) -> str:
    """The first of the principals that any of the statements hits, or nothing."""
    denies = list(statements)
    return next((arn for arn in arns if any(hits(s, arn) for s in denies)), "")
