"""The techniques of D3FEND that stopline uses, and how it is said that there is none. Pure.

Ids, names and tactics are those of the ontology 1.2.0: https://d3fend.mitre.org/ontologies/d3fend/
"""

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = "1.2.0"
_ROOT = "https://d3fend.mitre.org"


@dataclass(frozen=True, slots=True)
class Technique:
    """One technique: its id, its name, and the tactic that it serves."""

    uid: str
    name: str
    tactic: str

    @property
    def url(self) -> str:
        """The page that says what it is."""
        return f"{_ROOT}/technique/d3f:{self.name.replace(' ', '')}/"

    @property
    def tactic_url(self) -> str:
        """The page of its tactic."""
        return f"{_ROOT}/tactic/d3f:{self.tactic}/"


@dataclass(frozen=True, slots=True)
class Untagged:
    """That no technique is what containing a kind of address does, and why."""

    why: str


Techniques = Mapping[str, Mapping[str, Technique | Untagged]]
"""By connector and kind of address: what containing it is."""

ACCOUNT_LOCKING = Technique("D3-AL", "Account Locking", "Evict")
USER_PERMISSIONS = Technique("D3-UAP", "User Account Permissions", "Isolate")
FILE_ACCESS = Technique("D3-RFAM", "Remote File Access Mediation", "Isolate")
RESOURCE_ACCESS = Technique("D3-NRAM", "Network Resource Access Mediation", "Isolate")
CREDENTIAL_REVOCATION = Technique("D3-CR", "Credential Revocation", "Evict")
RESTORE_ACCESS = Technique("D3-RA", "Restore Access", "Restore")

KEPT_DATA = Untagged(
    "it keeps data from being deleted and takes nobody's access; D3FEND has no technique for that"
)
MONEY = Untagged("it holds money and no access; D3FEND is about digital systems alone")
