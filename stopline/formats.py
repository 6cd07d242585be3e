"""Formats of single values in configuration. Each returns the value or raises ValueError.

`PATTERNS` says each format as a regular expression of the whole value, for editors.
"""

import re
from collections.abc import Callable, Mapping

_WORD = r"[a-z0-9][a-z0-9-]{0,62}"
_LINE = r"\S([^\n]*\S)?"
_ACCOUNT = r"[0-9]{12}"
_ARN = r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*?-]*:[0-9*?]*:\S(.*\S)?"
_IAM_PATH = r"/[\x21-\x7e]+/"
_CANONICAL = r"[0-9a-f]{64}"
_EXTERNAL = r"[\w+=,.@:/-]{2,1224}"
_REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"
_ROLE = r"(([\x21-\x2e\x30-\x7e]+/)*[A-Za-z0-9_+=,.@-]{1,64})?"
_VARIABLE = r"[A-Z][A-Z0-9_]{1,80}"
_EMAIL = r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+"
_DIRECTORY_USER = r"[\w+=,.@-]{1,128}"
_DOMAIN = r"([a-z0-9-]+\.)+[a-z0-9-]+"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_ENDPOINT = rf"(\*@)?{_DOMAIN}|{_EMAIL}"
_ORGANIZATION = r"o-[a-z0-9]{10,32}"
_PLACE = rf"r-[0-9a-z]{{4,32}}|ou-[0-9a-z]{{4,32}}-[0-9a-z]{{8,32}}|{_ACCOUNT}"
_STRIPE = r"acct_[A-Za-z0-9]{1,64}"
_COLUMN = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_TABLE = rf"({_COLUMN}\.)?{_COLUMN}"
_CURRENCY = r"[A-Z]{3}"
_GMAIL = r"[A-Za-z0-9._%+'-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+"
_GOOGLE = (
    rf"(user|group|serviceAccount):{_GMAIL}"
    r"|(principal|principalSet)://iam\.googleapis\.com/[^\s#]+"
)
_GOOGLE_GLOB = r"(user|group|serviceAccount):[^\s#]*[a-z][^\s#]*|(principal|principalSet)://[^\s#]+"
_PROTECTED = rf"{_ARN}|{_GOOGLE_GLOB}"
_CUSTOMER = r"C[0-9a-z]{5,20}"
_UNIT = r"(/[^/\x00-\x1f]+)+"
_PROJECT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_NUMBER = r"[0-9]{6,20}"
_DRIVE = r"[A-Za-z0-9_-]{8,64}"
_POOL = (
    r"projects/[0-9]+/locations/global/workloadIdentityPools/"
    rf"([a-z0-9-]{{4,32}}|{_PROJECT}\.svc\.id\.goog)"
    r"|locations/global/workforcePools/[a-z0-9-]{4,63}"
)
_SERVICE_ACCOUNT = r"([a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com)?"
_URL = (
    r"(https://[\x21\x22\x24-\x2e\x30-\x3e\x41-\x7e]+|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?)"
    r"([/?#][\x21-\x7e]*)?"
)
"""Without user information: `http://127.0.0.1:x@elsewhere/` is elsewhere, and a name a secret."""


def _checked(value: str, pattern: str, what: str) -> str:
    if not re.fullmatch(pattern, value):
        message = f"{value!r} is not {what}"
        raise ValueError(message)
    return value


def word(value: str) -> str:
    """A lower-case name that can be typed, used in file names and in workflow ids."""
    return _checked(value, _WORD, "a name of a-z, 0-9 and '-'")


def line(value: str) -> str:
    """One line of text that says something: an alias, a tag's value, a connector's word."""
    return _checked(value, _LINE, "one line of text without spaces around it")


def account_id(value: str) -> str:
    """An AWS account id: https://docs.aws.amazon.com/accounts/latest/reference/ ."""
    return _checked(value, _ACCOUNT, "an AWS account id (twelve digits, in quotes)")


def organization_id(value: str) -> str:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html"""
    return _checked(value, _ORGANIZATION, "the id of an AWS organization (o- and letters)")


def organization_place(value: str) -> str:
    """https://docs.aws.amazon.com/organizations/latest/APIReference/API_AttachPolicy.html"""
    what = "a root (r-…), an organizational unit (ou-…) or an account id (twelve digits, in quotes)"
    return _checked(value, _PLACE, what)


def arn_or_glob(value: str) -> str:
    """An ARN, in which `*` and `?` may stand after the service's name."""
    return _checked(value, _ARN, "an ARN (arn:aws:service:region:account:resource)")


def bucket_or_glob(value: str) -> str:
    """A bucket's name, in which `*` and `?` may stand but not alone."""
    pattern = r"(?=.*[a-z0-9])[a-z0-9.*?-]{3,63}"
    return _checked(value, pattern, "a bucket's name or a glob of one")


def bucket(value: str) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""
    return _checked(value, _BUCKET, "a bucket's whole name")


def google_bucket_or_glob(value: str) -> str:
    """The same of Google's: https://docs.cloud.google.com/storage/docs/buckets#naming ."""
    pattern = r"(?=.*[a-z0-9])[a-z0-9._*?-]{3,222}"
    return _checked(value, pattern, "a bucket's name or a glob of one")


def iam_path(value: str) -> str:
    """An IAM path: begins and ends with a slash, and is not the root path."""
    return _checked(value, _IAM_PATH, "an IAM path (begins and ends with '/', not '/')")


def canonical_id(value: str) -> str:
    """An S3 canonical user id: 64 hexadecimal digits."""
    return _checked(value, _CANONICAL, "an S3 canonical id (64 hexadecimal digits)")


def external_id(value: str) -> str:
    """An external id: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html ."""
    return _checked(value, _EXTERNAL, "an external id (2 to 1224 letters, digits and +=,.@:/-)")


def region(value: str) -> str:
    """An AWS region: https://docs.aws.amazon.com/global-infrastructure/latest/regions/ ."""
    return _checked(value, _REGION, "an AWS region (eu-west-1)")


def role_name(value: str) -> str:
    """An IAM role's name after its path, without the leading slash; or nothing."""
    return _checked(value, _ROLE, "a role's name with its path (path/name, no leading '/')")


def variable(value: str) -> str:
    """The name of an environment variable, never what it holds."""
    # The value is not repeated: a secret may have been written there by mistake.
    if not re.fullmatch(_VARIABLE, value):
        raise ValueError("must be the name of an environment variable (A-Z, 0-9, '_')")
    return value


def email(value: str) -> str:
    """One e-mail address, without a name."""
    return _checked(value, _EMAIL, "an e-mail address")


def directory_user(value: str) -> str:
    """A user of a directory of AWS: a whole name or address, or `*@` and a domain."""
    if value.startswith("*@"):
        domain(value[2:])
        return value
    what = "a user name or an address, or `*@` and a domain"
    return _checked(value, _DIRECTORY_USER, what)


def endpoint(value: str) -> str:
    """Whom something is sent to: a whole address, `*@` and a domain, or the host of a URL."""
    what = "an address, `*@` and a domain, or the host of a URL (hooks.mercor.example)"
    return _checked(value, _ENDPOINT, what)


def domain(value: str) -> str:
    """A domain's name in lower case."""
    return _checked(value, _DOMAIN, "a domain's name (mercor.example)")


def google_principal(value: str) -> str:
    """A member of an allow policy: https://docs.cloud.google.com/iam/docs/principals-overview ."""
    what = "a principal of Google Cloud (user:, group:, serviceAccount: or principal(Set)://)"
    return _checked(value, _GOOGLE, what)


def protected(value: str) -> str:
    """An ARN or a principal of Google Cloud, in which `*` and `?` may stand."""
    if ":" in value and not value.startswith("arn:"):
        what = (
            "an ARN, or a principal of Google Cloud (user:, group:, serviceAccount:, principal://)"
        )
        return _checked(value, _GOOGLE_GLOB, what)
    return arn_or_glob(value)


def customer_id(value: str) -> str:
    """A Workspace or Cloud Identity customer: https://support.google.com/a/answer/10070793 ."""
    return _checked(value, _CUSTOMER, "a customer id of Google (C01abc35d)")


def org_unit(value: str) -> str:
    """A unit of a Workspace directory: https://support.google.com/a/answer/4352075 ."""
    return _checked(value, _UNIT, "a unit's whole path ('/Vendors/Mercor', and not '/')")


def project_id(value: str) -> str:
    """A project: https://docs.cloud.google.com/resource-manager/reference/rest/v3/projects ."""
    return _checked(value, _PROJECT, "a project's id (6 to 30 of a-z, 0-9 and '-')")


def number(value: str) -> str:
    """The number of a Google Cloud project or organisation, in quotes."""
    return _checked(value, _NUMBER, "a number of a project or organisation (digits, in quotes)")


def drive_id(value: str) -> str:
    """https://developers.google.com/workspace/drive/api/reference/rest/v3/drives"""
    return _checked(value, _DRIVE, "a shared drive's id (the end of its address in the browser)")


def pool(value: str) -> str:
    """An identity pool: https://docs.cloud.google.com/iam/docs/principal-identifiers ."""
    return _checked(
        value,
        _POOL,
        "an identity pool (projects/NUMBER/locations/global/workloadIdentityPools/ID, or "
        "locations/global/workforcePools/ID)",
    )


def service_account(value: str) -> str:
    """The e-mail address of a service account, or nothing."""
    return _checked(value, _SERVICE_ACCOUNT, "a service account's e-mail address")


def https_url(value: str) -> str:
    """An https URL; http is taken for this machine alone."""
    # The value is not repeated: some webhooks' URLs are secrets themselves.
    if not re.fullmatch(_URL, value):
        raise ValueError("must be an https URL")
    return value


def stripe_account(value: str) -> str:
    """An account's id at Stripe: https://docs.stripe.com/api/accounts/object#account_object-id ."""
    return _checked(value, _STRIPE, "an account's id at Stripe (acct_…)")


def column(value: str) -> str:
    """The name of a column in a database, as its catalogue has it: it is quoted where it is used.

    https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
    """
    return _checked(value, _COLUMN, "the name of a column (letters, digits and '_')")


def maybe_column(value: str) -> str:
    """The name of a column, or nothing."""
    return column(value) if value else value


def table(value: str) -> str:
    """The name of a table or of a view, with its schema before a dot where it needs one."""
    return _checked(value, _TABLE, "the name of a table (table, or schema.table)")


def maybe_currency(value: str) -> str:
    """The code of a currency, or nothing: https://www.iso.org/iso-4217-currency-codes.html ."""
    return _checked(value, _CURRENCY, "the code of a currency (USD)") if value else value


PATTERNS: Mapping[Callable[[str], str], str] = {
    word: _WORD,
    line: _LINE,
    account_id: _ACCOUNT,
    organization_id: _ORGANIZATION,
    organization_place: _PLACE,
    arn_or_glob: _ARN,
    iam_path: _IAM_PATH,
    canonical_id: _CANONICAL,
    external_id: _EXTERNAL,
    region: _REGION,
    role_name: _ROLE,
    variable: _VARIABLE,
    email: _EMAIL,
    endpoint: _ENDPOINT,
    bucket: _BUCKET,
    domain: _DOMAIN,
    https_url: _URL,
    stripe_account: _STRIPE,
    column: _COLUMN,
    maybe_column: rf"({_COLUMN})?",
    table: _TABLE,
    maybe_currency: rf"({_CURRENCY})?",
    google_principal: _GOOGLE,
    protected: _PROTECTED,
    customer_id: _CUSTOMER,
    org_unit: _UNIT,
    project_id: _PROJECT,
    number: _NUMBER,
    pool: _POOL,
    service_account: _SERVICE_ACCOUNT,
}
"""Each format as a regular expression that the whole value matches."""
