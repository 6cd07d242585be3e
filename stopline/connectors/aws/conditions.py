"""Whether a policy's conditions are met by a request: yes, no, or nobody can tell. Pure.

A key whose value is not known, a policy variable and an operator that is not known here give
"cannot tell" (None), which is never taken for "no".
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from stopline.connectors.aws.policy import listed, matches
from stopline.text import Json

Truth = bool | None
"""Three-valued: None is "cannot tell"."""

FIELDS = 6
"""Of an ARN: `*` reaches over no colon but in the last."""


def any_(truths: Iterable[Truth]) -> Truth:
    """Yes where one is; cannot tell where one of the others cannot be told."""
    found: Truth = False
    for truth in truths:
        if truth:
            return True
        found = None if truth is None else found
    return found


def all_(truths: Iterable[Truth]) -> Truth:
    """No where one is not; cannot tell where one of the others cannot be told."""
    found = any_(not_(truth) for truth in truths)
    return not_(found)


def not_(truth: Truth) -> Truth:
    """The opposite; what cannot be told stays so."""
    return None if truth is None else not truth


def arn_like(pattern: str, arn: str) -> bool:
    """Compare as `ArnLike` does, field by field."""
    mine, theirs = pattern.split(":", FIELDS - 1), arn.split(":", FIELDS - 1)
    return len(mine) == len(theirs) and all(
        matches([one], other) for one, other in zip(mine, theirs, strict=True)
    )


def _number(wanted: str, found: str) -> float:
    return float(found) - float(wanted)


def _moment(text: str) -> datetime:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _date(wanted: str, found: str) -> float:
    return (_moment(found) - _moment(wanted)).total_seconds()


def _in_network(wanted: str, found: str) -> bool:
    return ip_address(found) in ip_network(wanted, strict=False)


_Test = Callable[[str, str], bool]
"""Whether the second, a request's value, is what the first, a policy's, wants."""


def _ordered(prefix: str, minus: Callable[[str, str], float]) -> dict[str, _Test]:
    return {
        f"{prefix}equals": lambda wanted, found: minus(wanted, found) == 0,
        f"{prefix}lessthan": lambda wanted, found: minus(wanted, found) < 0,
        f"{prefix}lessthanequals": lambda wanted, found: minus(wanted, found) <= 0,
        f"{prefix}greaterthan": lambda wanted, found: minus(wanted, found) > 0,
        f"{prefix}greaterthanequals": lambda wanted, found: minus(wanted, found) >= 0,
    }


_TESTS: Mapping[str, _Test] = {
    "stringequals": lambda wanted, found: found == wanted,
    "stringequalsignorecase": lambda wanted, found: found.casefold() == wanted.casefold(),
    "stringlike": lambda wanted, found: matches([wanted], found),
    "arnequals": arn_like,
    "arnlike": arn_like,
    "bool": lambda wanted, found: found.lower() == wanted.lower(),
    "ipaddress": _in_network,
    **_ordered("numeric", _number),
    **_ordered("date", _date),
}
_NEGATIVE: Mapping[str, str] = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}

Values = Callable[[str], tuple[str, ...] | None]
"""The values of a condition key, in lower case; nothing where it is absent, None: not known."""


def met(statement: Json, values: Values) -> Truth:
    """Whether all conditions of a statement are met."""
    return all_(
        _one(str(operator), values(str(key).lower()), [str(w) for w in listed(wanted)])
        for operator, pairs in (statement.get("Condition") or {}).items()
        for key, wanted in pairs.items()
    )


def _one(operator: str, found: tuple[str, ...] | None, wanted: list[str]) -> Truth:
    quantifier, _, plain = operator.lower().rpartition(":")
    if found is None:
        return None
    if plain == "null":
        return any(value.lower() == str(not found).lower() for value in wanted)
    named = plain.removesuffix("ifexists")
    base = _NEGATIVE.get(named, named)
    if base not in _TESTS:
        return None
    if not found:
        met_without = plain != named or named in _NEGATIVE or quantifier == "forallvalues"
        return met_without and quantifier != "foranyvalue"
    return _all_values(
        quantifier, [_value(base, one, wanted, negative=named in _NEGATIVE) for one in found]
    )


def _all_values(quantifier: str, each: list[Truth]) -> Truth:
    if quantifier == "forallvalues":
        return all_(each)
    if quantifier == "foranyvalue":
        return any_(each)
    return each[0] if len(each) == 1 and not quantifier else None


def _value(base: str, found: str, wanted: list[str], *, negative: bool) -> Truth:
    truth = any_(_compared(base, one, found) for one in wanted)
    return not_(truth) if negative else truth


def _compared(base: str, wanted: str, found: str) -> Truth:
    if "${" in wanted:
        return None
    try:
        return _TESTS[base](wanted, found)
    except ValueError:  # no number, no date, no address: AWS's rule for it is not documented
        return None
