"""Conditions of allow policies, in the Common Expression Language, over cel-python.

https://cloud.google.com/iam/docs/conditions-attribute-reference
"""

import functools
from datetime import datetime

import celpy
from celpy import celtypes
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError

from stopline.drill.google.errors import GoogleError, invalid


def _extract(text: celtypes.Value, template: celtypes.Value) -> celtypes.Value:
    """What stands in the place of the one `{name}` of a template; empty when it does not fit."""
    before, _, rest = str(template).partition("{")
    after = rest.partition("}")[2]
    whole = str(text)
    start = whole.find(before)
    if start < 0:
        return celtypes.StringType("")
    found = whole[start + len(before) :]
    if not after:
        return celtypes.StringType(found)
    end = found.find(after)
    return celtypes.StringType(found[:end] if end >= 0 else "")


@functools.lru_cache(maxsize=4096)
def _program(expression: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions={"extract": _extract})


def check(expression: str) -> None:
    """Raise GoogleError 400 for what is no expression."""
    try:
        _program(expression)
    except CELParseError as error:
        raise invalid(f"Invalid expression in the condition: {expression}") from error


def holds(expression: str, name: str, kind: str, when: datetime) -> bool:
    """Whether a condition is true of a resource at a time.

    What cannot be evaluated is false, as at Google: nothing is granted.
    """
    service = kind.partition("/")[0]
    resource = {"name": name, "type": kind, "service": service}
    known = {
        "resource": celtypes.MapType(
            {celtypes.StringType(k): celtypes.StringType(v) for k, v in resource.items()}
        ),
        "request": celtypes.MapType({celtypes.StringType("time"): celtypes.TimestampType(when)}),
    }
    try:
        return bool(_program(expression).evaluate(known))
    except (CELEvalError, CELParseError, GoogleError):
        return False
