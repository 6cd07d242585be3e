"""What is connected to a VPC endpoint service, which the emulator does not list: answered by XML.

As the reference of EC2 has it; the service itself is the emulator's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse
from support.aws import answer, body_of, error_text

_ACTION = re.compile(r"Action=(\w+)")
_SERVICE = re.compile(r"(?:ServiceId|Filter\.1\.Value\.1)=([\w-]+)")
_ENDPOINT = re.compile(r"VpcEndpointId\.1=([\w-]+)")
ACCEPTS = ("rejected", "pendingAcceptance")
REJECTS = ("available", "pending", "pendingAcceptance", "rejected")


@dataclass
class Connections:
    """Endpoints of a service: by their ids, whose they are and how far they are."""

    there: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: Callable[[str], AWSResponse | None] = lambda _action: None

    def connect(self, service: str, id_: str, owner: str, state: str = "available") -> None:
        """Have one."""
        self.there.setdefault(service, {})[id_] = [owner, state]

    def state(self, service: str, id_: str) -> str:
        """How far one is."""
        return self.there[service][id_][1]

    def interfere(self, request: Any) -> AWSResponse | None:
        """Answer what is about connections, and nothing else; see `Cloud.interfere`."""
        body = body_of(request)
        action = "".join(_ACTION.findall(body)[:1])
        if not action.endswith("VpcEndpointConnections"):
            return None
        self.asked.append(action)
        return self.instead(action) or self.answered(action, body)

    def answered(self, action: str, body: str) -> AWSResponse:
        """What AWS would say."""
        (service,) = _SERVICE.findall(body)[:1]
        if action.startswith("Describe"):
            items = "".join(
                f"<item><serviceId>{service}</serviceId><vpcEndpointId>{id_}</vpcEndpointId>"
                f"<vpcEndpointOwner>{owner}</vpcEndpointOwner>"
                f"<vpcEndpointState>{state}</vpcEndpointState></item>"
                for id_, (owner, state) in self.there.get(service, {}).items()
            )
            return answer(
                200, f"<R><vpcEndpointConnectionSet>{items}</vpcEndpointConnectionSet></R>"
            )
        (endpoint,) = _ENDPOINT.findall(body)
        wanted, now = (
            (ACCEPTS, "available") if action.startswith("Accept") else (REJECTS, "rejected")
        )
        one = self.there.get(service, {}).get(endpoint)
        if one is None:
            return unsuccessful(endpoint, "InvalidVpcEndpointId.NotFound")
        if one[1] not in wanted:
            return unsuccessful(endpoint, "InvalidState")
        one[1] = now
        return answer(200, "<R><unsuccessful/></R>")


def unsuccessful(id_: str, code: str) -> AWSResponse:
    """200, and what was not done."""
    error = f"<error><code>{code}</code><message>as the test wants it</message></error>"
    item = f"<item><resourceId>{id_}</resourceId>{error}</item>"
    return answer(200, f"<R><unsuccessful>{item}</unsuccessful></R>")


def refused(status: int, code: str) -> AWSResponse:
    """An error of EC2's."""
    return answer(status, error_text(code))
