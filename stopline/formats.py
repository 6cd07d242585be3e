"""Formats of single values in configuration. Each returns the value or raises ValueError."""

import re


def _checked(value: str, pattern: str, what: str) -> str:
    if not re.fullmatch(pattern, value):
        message = f"{value!r} is not {what}"
        raise ValueError(message)
    return value


def word(value: str) -> str:
    """A lower-case name that can be typed, used in file names and in workflow ids."""
    return _checked(value, r"[a-z0-9][a-z0-9-]{0,62}", "a name of a-z, 0-9 and '-'")


def account_id(value: str) -> str:
    """An AWS account id: https://docs.aws.amazon.com/accounts/latest/reference/ ."""
    return _checked(value, r"\d{12}", "an AWS account id (twelve digits, in quotes)")


def arn_or_glob(value: str) -> str:
    """An ARN, in which `*` and `?` may stand after the service's name."""
    pattern = r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*?-]*:[0-9*?]*:.+"
    return _checked(value, pattern, "an ARN (arn:aws:service:region:account:resource)")


def iam_path(value: str) -> str:
    """An IAM path: begins and ends with a slash, and is not the root path."""
    return _checked(value, r"/[\x21-\x7e]+/", "an IAM path (begins and ends with '/', not '/')")


def canonical_id(value: str) -> str:
    """An S3 canonical user id: 64 hexadecimal digits."""
    return _checked(value, r"[0-9a-f]{64}", "an S3 canonical id (64 hexadecimal digits)")
