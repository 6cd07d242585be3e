"""Our names in an AWS estate. Each carries the journal's id, a statement its pause's too. Pure.

Statement ids are letters and digits only, since IAM allows no others
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html).
"""

import re

from stopline.connectors.aws.policy import statements
from stopline.preflight import CANARY_VENDOR
from stopline.text import Json

PATH = "/stopline/"
CANARY = CANARY_VENDOR
CANARY_PATH = f"/{CANARY}/"
_POLICY = re.compile(r"StoplineDenyAll-J([0-9a-f]{8})")
CUT = "StoplineCut-"
"""How the names begin of the policies that end older sessions of a role that others share."""
_INLINE = re.compile(r"StoplineDenyAll-J([0-9a-f]{8})|StoplineCut-J([0-9a-f]{8})P[0-9a-f]{8}")
_CONTROL = re.compile(r"Stopline(?:Scp|Rcp|Member)-J([0-9a-f]{8})P[0-9a-f]{8}")
DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"
"""AWS's own, the same in every account: the boundary of who is being removed for good.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSDenyAll.html
"""
PARTS = ("Acct", "Own", "All", "Ext", "Fed", "Anchor", "Pool", "FrzObj", "FrzCfg", "Frz")
"""Whom or what a statement of ours is about: the vendor's accounts, its principals of ours, both
in one, its external ids, its identity providers, its trust anchors, its identity pools; objects,
settings, or both, frozen."""
_SID = re.compile(rf"StoplineJ([0-9a-f]{{8}})P[0-9a-f]{{8}}(?:{'|'.join(PARTS)})")
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


def cut_name(journal: str, pause: str) -> str:
    """The name of one pause's inline policy that ends a role's older sessions.

    Not AWSRevokeOlderSessions, which a person may have put there by hand.
    """
    return f"{CUT}J{journal}P{pause}"


def cut_document(journal: str, pause: str, moment: str) -> Json:
    """Deny everything to sessions issued before a moment.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_revoke-sessions.html
    """
    deny = {
        "Sid": f"StoplineJ{journal}P{pause}Cut",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": moment}},
    }
    return {"Version": "2012-10-17", "Statement": [deny]}


def sid(journal: str, pause: str, part: str) -> str:
    """The id of one of our statements; `part` is one of `PARTS`."""
    return f"StoplineJ{journal}P{pause}{part}"


def journal_of_sid(text: str) -> str:
    """The journal whose statement this is, or nothing."""
    found = _SID.fullmatch(text)
    return found[1] if found else ""


def is_freeze(text: str) -> bool:
    """Whether a statement of ours freezes data for everybody, and is no deny of the vendor."""
    return bool(journal_of_sid(text)) and "Frz" in text


def unmarked(document: Json) -> Json:
    """A policy without any statement of stopline's, which somebody may have edited or forged."""
    kept = [s for s in statements(document) if not journal_of_sid(str(s.get("Sid", "")))]
    return {**(document or {}), "Statement": kept}


def journal_of_policy(arn: str) -> str:
    """The journal whose deny-all policy this is, or nothing."""
    found = _POLICY.fullmatch(arn.rpartition("/")[2])
    return found[1] if found and f":policy{PATH}" in arn else ""


def journal_of_inline(name: str) -> str:
    """The journal whose inline policy this is, or nothing."""
    found = _INLINE.fullmatch(name)
    return (found[1] or found[2]) if found else ""


def control_name(what: str, journal: str, pause: str) -> str:
    """The name of one pause's policy of the organization; `what` is Scp, Rcp or Member."""
    return f"Stopline{what}-J{journal}P{pause}"


def journal_of_control(name: str) -> str:
    """The journal whose policy of the organization this is, or nothing."""
    found = _CONTROL.fullmatch(name)
    return found[1] if found else ""


def of_members(name: str) -> bool:
    """Whether a policy of the organization is for accounts of the vendor's alone."""
    return bool(_CONTROL.fullmatch(name)) and name.startswith("StoplineMember-")


def is_cut(name: str) -> bool:
    """Whether an inline policy ends older sessions, and is no deny of everything."""
    found = _INLINE.fullmatch(name)
    return bool(found and found[2])


def orphans(text: str) -> tuple[str, ...]:
    """Ids of deleted principals in a document. A document that names one cannot be put back.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    return tuple(sorted(set(_ORPHAN.findall(text))))
