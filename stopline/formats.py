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


def line(value: str) -> str:
    """One line of text that says something: an alias, a tag's value, a connector's word."""
    return _checked(value, r"\S([^\n]*\S)?", "one line of text without spaces around it")


def account_id(value: str) -> str:
    """An AWS account id: https://docs.aws.amazon.com/accounts/latest/reference/ ."""
    return _checked(value, r"[0-9]{12}", "an AWS account id (twelve digits, in quotes)")


def arn_or_glob(value: str) -> str:
    """An ARN, in which `*` and `?` may stand after the service's name."""
    pattern = r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*?-]*:[0-9*?]*:\S(.*\S)?"
    return _checked(value, pattern, "an ARN (arn:aws:service:region:account:resource)")


def bucket_or_glob(value: str) -> str:
    """A bucket's name, in which `*` and `?` may stand but not alone."""
    pattern = r"(?=.*[a-z0-9])[a-z0-9.*?-]{3,63}"
    return _checked(value, pattern, "a bucket's name or a glob of one")


def iam_path(value: str) -> str:
    """An IAM path: begins and ends with a slash, and is not the root path."""
    return _checked(value, r"/[\x21-\x7e]+/", "an IAM path (begins and ends with '/', not '/')")


def canonical_id(value: str) -> str:
    """An S3 canonical user id: 64 hexadecimal digits."""
    return _checked(value, r"[0-9a-f]{64}", "an S3 canonical id (64 hexadecimal digits)")


def external_id(value: str) -> str:
    """An external id: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html ."""
    return _checked(
        value, r"[\w+=,.@:/-]{2,1224}", "an external id (2 to 1224 letters, digits and +=,.@:/-)"
    )


def role_name(value: str) -> str:
    """An IAM role's name after its path, without the leading slash; or nothing."""
    pattern = r"(([\x21-\x2e\x30-\x7e]+/)*[A-Za-z0-9_+=,.@-]{1,64})?"
    return _checked(value, pattern, "a role's name with its path (path/name, no leading '/')")
