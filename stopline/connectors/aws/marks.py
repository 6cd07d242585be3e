"""Our names in an AWS estate. Each carries the journal's id, a statement its pause's too. Pure.

Statement ids are letters and digits only, since IAM allows no others
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html).
"""

import re

from stopline.preflight import CANARY_VENDOR
from stopline.text import Json

PATH = "/stopline/"
CANARY = CANARY_VENDOR
CANARY_PATH = f"/{CANARY}/"
_POLICY = re.compile(r"StoplineDenyAll-J([0-9a-f]{8})")
_SID = re.compile(r"StoplineJ([0-9a-f]{8})P[0-9a-f]{8}(?:Acct|Own)")
_ORPHAN = re.compile(r"\bA(?:IDA|ROA|GPA|NPA)[A-Z0-9]{12,}\b")


def policy_name(journal: str) -> str:
    """The name of this journal's deny-all policy."""
    return f"StoplineDenyAll-J{journal}"


def policy_arn(account: str, journal: str) -> str:
    """Its ARN in one account."""
    return f"arn:aws:iam::{account}:policy{PATH}{policy_name(journal)}"


def policy_document(journal: str) -> Json:
    """Deny everything, unconditionally: it ends sessions already issued as well as new ones."""
    deny = {"Sid": f"StoplineJ{journal}", "Effect": "Deny", "Action": "*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [deny]}


def sid(journal: str, pause: str, part: str) -> str:
    """The id of one of our statements: `Acct` denies accounts, `Own` principals of ours."""
    return f"StoplineJ{journal}P{pause}{part}"


def journal_of_sid(text: str) -> str:
    """The journal whose statement this is, or nothing."""
    found = _SID.fullmatch(text)
    return found[1] if found else ""


def journal_of_policy(arn: str) -> str:
    """The journal whose deny-all policy this is, or nothing."""
    found = _POLICY.fullmatch(arn.rpartition("/")[2])
    return found[1] if found and f":policy{PATH}" in arn else ""


def orphans(text: str) -> tuple[str, ...]:
    """Ids of deleted principals in a document. A document that names one cannot be put back.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    return tuple(sorted(set(_ORPHAN.findall(text))))
