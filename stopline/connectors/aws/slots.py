"""Two places of a principal that hold one thing each: an inline policy of ours, its boundary.

An inline policy bears our name, so it is an overlay. The boundary is one slot that anybody may
fill: it is written where none is set, and is a toggle, so that a stranger's is a conflict.
"""

import json
from collections.abc import Sequence
from typing import Any

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import address, decoded, gone, is_ending
from stopline.errors import ConnectorError
from stopline.model import Change, Document, State
from stopline.port import Observed
from stopline.text import canonical


def _owner(document: Document) -> tuple[str, str, str]:
    """`user` or `role`, its name, and the rest of the document's id."""
    name, _, rest = document.id.partition("/")
    return document.kind.partition("-")[0], name, rest


def _principal(clients: Clients, document: Document) -> Any:
    kind, name, _ = _owner(document)
    words = {f"{kind.capitalize()}Name": name}
    return clients.ask(document.realm, "iam", f"get_{kind}", **words)[kind.capitalize()]


def read_inline(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html"""
    kind, name, policy = _owner(document)
    try:
        found = _principal(clients, document)
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    uid, ending = found[f"{kind.capitalize()}Id"], is_ending(found)
    words = {f"{kind.capitalize()}Name": name, "PolicyName": policy}
    try:
        answer = clients.ask(document.realm, "iam", f"get_{kind}_policy", **words)
    except ConnectorError as error:
        if gone(error):
            return Observed(document, uid=uid, ending=ending)
        raise
    state = State.of({"document": decoded(answer["PolicyDocument"])})
    return Observed(document, {address(document): state}, uid=uid, ending=ending)


def write_inline(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html"""
    document = observed.document
    kind, name, policy = _owner(document)
    words = {f"{kind.capitalize()}Name": name, "PolicyName": policy}
    for change in changes:
        if change.after is not None:
            text = canonical(change.after.value["document"])
            clients.do(document.realm, "iam", f"put_{kind}_policy", **words, PolicyDocument=text)
            continue
        try:
            clients.do(document.realm, "iam", f"delete_{kind}_policy", **words)
        except ConnectorError as error:
            if not gone(error):
                raise


def read_boundary(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html"""
    kind, _, _ = _owner(document)
    try:
        found = _principal(clients, document)
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    arn = found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    states = {address(document): State.of({"PermissionsBoundary": arn})} if arn else {}
    return Observed(document, states, uid=found[f"{kind.capitalize()}Id"])


def write_boundary(clients: Clients, observed: Observed, changes: Sequence[Change]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html"""
    document = observed.document
    kind, name, _ = _owner(document)
    words = {f"{kind.capitalize()}Name": name}
    for change in changes:
        if change.after is not None:
            arn = change.after.value["PermissionsBoundary"]
            call = f"put_{kind}_permissions_boundary"
            clients.do(document.realm, "iam", call, **words, PermissionsBoundary=arn)
        elif observed.states:
            clients.do(document.realm, "iam", f"delete_{kind}_permissions_boundary", **words)


def as_seen(document: object) -> State:
    """An inline policy's state, as `read_inline` has it."""
    return State.of({"document": json.loads(canonical(document))})
