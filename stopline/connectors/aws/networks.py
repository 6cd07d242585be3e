"""Ways from the vendor's networks into ours, where AWS says whose they are: rows of a table. Pure.

A network lets nobody in by itself: what listens there does. What was deleted would come back as
something else (a peering has an id that route tables and rules name), so a person ends it.
"""

from collections.abc import Iterator, Mapping

from stopline.connectors.aws.kinds import Left, Way, Where, of_accounts
from stopline.connectors.aws.selection import Reach
from stopline.text import Json


def _arn(where: Where, what: str) -> str:
    return f"arn:aws:ec2:{where.region}:{where.account}:{what}"


# --- peerings of VPCs --------------------------------------------------------------------------

_UNPEERED = frozenset({"deleted", "deleting", "expired", "failed", "rejected"})


def _peered(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    """What is neither over nor refused, a status that AWS adds tomorrow too."""
    status = str(item["Status"]["Code"])
    sides = [item["RequesterVpcInfo"], item["AccepterVpcInfo"]]
    for ours, theirs in (sides, reversed(sides)):
        who, id_ = str(theirs["OwnerId"]), str(item["VpcPeeringConnectionId"])
        if who in reach.vendors.accounts and status not in _UNPEERED:
            vpc, other = ours.get("VpcId", "?"), theirs.get("VpcId", "?")
            said = {"id": id_, "status": status, "vpc": vpc, "other": other, "who": who}
            yield Way(
                f"{where.region}/{id_}",
                who,
                said,
                _arn(where, f"vpc-peering-connection/{id_}"),
                f"{vpc} is peered with {other} of account {who}: {status}",
            )


PEERINGS = Left(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html
    kind="vpc-peering",
    contains="vpc-peerings",
    service="ec2",
    listing="describe_vpc_peering_connections",
    items="VpcPeeringConnections",
    name=lambda item: str(item["VpcPeeringConnectionId"]),
    ways=_peered,
    reason=(
        "{vpc} is peered with {other} of account {who} of the vendor's ({id}, {status}): take the "
        "routes to it out of the route tables by hand, and note them, or reject it where it is "
        "not accepted yet. What security groups let in holds until then"
    ),
    actions=("ec2:DescribeVpcPeeringConnections",),
)


# --- transit gateways --------------------------------------------------------------------------

_DETACHED = frozenset({"deleted", "deleting", "failed", "failing", "rejected", "rejecting"})
_PEERS = frozenset({"peering", "tgw-peering"})


def _attached(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    """The vendor's network at a gateway of ours, or ours at one of the vendor's.

    A peering of two gateways is looked at by itself, where both owners stand.
    """
    if str(item.get("ResourceType")) not in _PEERS:
        owners = (str(item["TransitGatewayOwnerId"]), str(item["ResourceOwnerId"]))
        said = {"what": f"{item['ResourceType']} {item.get('ResourceId', '?')}"}
        yield from _at_gateway(where, item, owners, said, reach)


def _gateways(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    sides = (item["RequesterTgwInfo"], item["AccepterTgwInfo"])
    said = {"what": "peering of " + " and ".join(str(s.get("TransitGatewayId")) for s in sides)}
    yield from _at_gateway(where, item, tuple(str(s["OwnerId"]) for s in sides), said, reach)


def _at_gateway(
    where: Where, item: Json, owners: tuple[str, ...], said: Mapping[str, str], reach: Reach
) -> Iterator[Way]:
    state, id_ = str(item["State"]), str(item["TransitGatewayAttachmentId"])
    for who in sorted({*owners} & reach.vendors.accounts):
        if state not in _DETACHED:
            yield Way(
                f"{where.region}/{id_}",
                who,
                {**said, "id": id_, "state": state, "who": who},
                _arn(where, f"transit-gateway-attachment/{id_}"),
                f"{said['what']} at a transit gateway, with account {who}: {state}",
            )


_BY_GATEWAY = (
    "{what} is attached at a transit gateway, and account {who} of the vendor's has one side of it "
    "({id}, {state}): take its routes out of the gateway's and the VPCs' route tables by hand, and "
    "note them, or reject it where it is not accepted yet. What security groups let in holds "
    "until then"
)
ATTACHMENTS = Left(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTransitGatewayAttachments.html
    kind="transit-gateway-attachment",
    contains="transit-gateways",
    service="ec2",
    listing="describe_transit_gateway_attachments",
    items="TransitGatewayAttachments",
    name=lambda item: str(item["TransitGatewayAttachmentId"]),
    ways=_attached,
    reason=_BY_GATEWAY,
    actions=("ec2:DescribeTransitGatewayAttachments",),
)
PEERED_GATEWAYS = Left(
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTransitGatewayPeeringAttachments.html
    kind="transit-gateway-peering",
    contains="transit-gateways",
    service="ec2",
    listing="describe_transit_gateway_peering_attachments",
    items="TransitGatewayPeeringAttachments",
    name=lambda item: str(item["TransitGatewayAttachmentId"]),
    ways=_gateways,
    reason=_BY_GATEWAY,
    actions=("ec2:DescribeTransitGatewayPeeringAttachments",),
)


# --- rules of security groups ------------------------------------------------------------------


def _referring(where: Where, item: Json, reach: Reach) -> Iterator[Way]:
    """A rule whose peering is over lets nobody in."""
    other = item.get("ReferencedGroupInfo") or {}
    who = str(other.get("UserId", ""))
    if who not in reach.vendors.accounts or other.get("PeeringStatus") in _UNPEERED:
        return
    id_, group = str(item["SecurityGroupRuleId"]), str(item["GroupId"])
    way = "lets traffic out to" if item.get("IsEgress") else "lets traffic in from"
    said = {"id": id_, "group": group, "way": way, "other": other.get("GroupId", "?"), "who": who}
    yield Way(
        f"{where.region}/{id_}",
        who,
        said,
        _arn(where, f"security-group/{group}"),
        f"rule {id_} of {group} {way} {said['other']} of account {who}",
    )


RULES = Left(
    # The ids of rules are AWS's: one that is given back is another rule, with another id.
    # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html
    kind="security-group-rule",
    contains="security-group-rules",
    service="ec2",
    listing="describe_security_group_rules",
    items="SecurityGroupRules",
    name=lambda item: str(item["SecurityGroupRuleId"]),
    asked=lambda account, reach: tuple({"MaxResults": 1000} for _ in of_accounts(account, reach)),
    ways=_referring,
    reason=(
        "the rule {id} of the security group {group} {way} the group {other} of account {who} of "
        "the vendor's: take the rule out by hand, and note it"
    ),
    actions=("ec2:DescribeSecurityGroupRules",),
)

NETWORKS = (PEERINGS, ATTACHMENTS, PEERED_GATEWAYS, RULES)
