"""config/playbooks/*.yaml as typed data. Pure: text in, `Playbook` or a list of `Fault` out."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline.formats import word


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Strict):
    """Which grants are contained, and how. `contains` and `how` are the connector's words."""

    name: Annotated[str, AfterValidator(word)]
    connector: str
    contains: str
    how: str = ""


class Phase(_Strict):
    """Rules that are carried out together; phases run in the order of the file."""

    name: Annotated[str, AfterValidator(word)]
    rules: tuple[Rule, ...] = Field(min_length=1)


class Limits(_Strict):
    """How much one pause may take away before it asks for an override.

    `changes` counts all changes of the pause, sweeps included; `share` is the largest part (0 to
    1) of all principals, or of all buckets, looked at in a realm, from `share_from` upwards.
    """

    changes: int = Field(default=500, ge=1)
    share: float = Field(default=0.5, gt=0, le=1)
    share_from: int = Field(default=10, ge=1)


class Approvals(_Strict):
    """Whose word is wanted. Containment starts on the requester's; rollback needs another's."""

    contain: Literal["requester", "second-person"] = "requester"
    rollback: Literal["second-person"] = "second-person"


class Playbook(_Strict):
    """How a vendor is contained."""

    playbook: Annotated[str, AfterValidator(word)]
    note: str = ""
    phases: tuple[Phase, ...] = Field(min_length=1)
    limits: Limits = Limits()
    approvals: Approvals = Approvals()

    def rule(self, connector: str, contains: str) -> tuple[int, Rule] | None:
        """The rule for one kind of grant with the number of its phase; None if there is none."""
        for number, phase in enumerate(self.phases):
            for rule in phase.rules:
                if (rule.connector, rule.contains) == (connector, contains):
                    return number, rule
        return None
