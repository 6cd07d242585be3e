"""Trust policies of roles: read, and written as a whole with our statements in it.

`UpdateAssumeRolePolicy` has no concurrency tag: as with a bucket's policy, an edit that a stranger
makes between our read and our write is lost (law 4). The text is read verbatim (see `clients`). IAM
may show an older text for a while; the sweep and the reading back at the end come after that.
"""

import json
from collections.abc import Sequence
from urllib.parse import unquote

from stopline.connectors.aws import lockout
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.documents import composed, gone, our_statements
from stopline.connectors.aws.policy import statements
from stopline.errors import ConnectorError
from stopline.model import Change, Document
from stopline.port import Observed
from stopline.receipts import Cause
from stopline.text import canonical


def read(clients: Clients, document: Document) -> Observed:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html"""
    try:
        role = clients.ask(document.realm, "iam", "get_role", RoleName=document.id)["Role"]
    except ConnectorError as error:
        if gone(error):
            return Observed(document, exists=False)
        raise
    raw = verbatim(role["AssumeRolePolicyDocument"])
    return Observed(document, our_statements(document, raw), raw=raw, uid=role["RoleId"])


def verbatim(found: object) -> str:
    """The text of a policy as IAM keeps it: it is sent percent-encoded."""
    return unquote(found) if isinstance(found, str) else canonical(found)


def write(
    clients: Clients, observed: Observed, changes: Sequence[Change], original: str | None
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html"""
    document = observed.document
    wanted = composed(observed.raw, changes, original)
    if not statements(json.loads(wanted or "{}")):
        detail = f"nothing would be left in the trust policy of {document.id}, and IAM wants some"
        raise ConnectorError(Cause.REFUSED, detail)
    denies = [c.after.value for c in changes if c.after is not None]
    root = f"arn:aws:iam::{document.realm}:root"
    if denies and (who := lockout.hit(denies, (clients.identity(document.realm), root))):
        detail = f"the deny in the trust policy of {document.id} would lock out {who}"
        raise ConnectorError(Cause.REFUSED, detail)
    words = {"RoleName": document.id, "PolicyDocument": wanted}
    clients.do(document.realm, "iam", "update_assume_role_policy", **words)
