"""Whether a fast cut could be made, asked before the night. Writes nothing."""

from collections.abc import Iterator

from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.organization import enabled
from stopline.connectors.aws.organizing import CONTROLS, ORGANIZATIONS, Control, attached
from stopline.connectors.aws.preflight import brief, twice
from stopline.errors import ConnectorError
from stopline.preflight import Check
from stopline.text import Json


def checks(clients: Clients) -> Iterator[Check]:
    """Whether a fast cut could be made: as whom, in which organization, with how much room.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
    """
    own = clients.estate.organization
    if own is None:
        return
    name, role = f"aws {own.id}", clients.role(own.id)
    step = "Give the role there what config/permissions/aws/organization-read.json says."
    try:
        said = clients.ask(own.id, ORGANIZATIONS, "describe_organization")["Organization"]
        root = clients.pages(own.id, ORGANIZATIONS, "list_roots")[0]["Roots"][0]
        found = f"{clients.read_role(own.id)}, in {said['Id']}"
        ok = said["Id"] == own.id
        way_out = "" if ok else "Correct `aws.organization` in the estate's file."
        yield Check(f"{name} reads as", ok, found, way_out)
        if role != clients.read_role(own.id):
            arn = twice(clients.do, own.id, "sts", "get_caller_identity")["Arn"]
            yield Check(f"{name} writes as", ok=True, found=arn)
        for control in CONTROLS.values():
            yield _room(clients, own.id, root, control)
    except ConnectorError as error:
        yield Check(f"{name} reads as", ok=False, found=brief(error), next_step=step)


def _room(clients: Clients, realm: str, root: Json, control: Control) -> Check:
    """Whether another policy of a type could be attached to the root."""
    name = f"aws {realm} {control.what}"
    if not enabled(root, control):
        found = "not enabled, so no fast cut by it"
        step = f"aws organizations enable-policy-type --policy-type {control.type}"
        return Check(name, ok=True, found=found, next_step=step, warn=True)
    used = len(attached(clients, realm, root["Id"], control))
    full = used >= control.attached
    step = "Merge two that are attached to the root, or name other places in the playbook (`at`)."
    found = f"{used} of {control.attached} are attached to {root['Id']}"
    return Check(name, ok=True, found=found, next_step=step if full else "", warn=full)
