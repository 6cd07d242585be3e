"""Ways in that are found and named, and that a person ends: against AWS's own models of them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR
from support.aws_stubs import REACH
from support.grants import opinions

from stopline.connectors.aws import reached
from stopline.connectors.aws.policy import Vendors
from stopline.connectors.aws.selection import Identity, Reach, Selected
from stopline.model import Found, Gap, Grant, Skip
from stopline.text import Json
from stopline.vendors import AwsSelectors

ROLE = f"arn:aws:iam::{DATA}:role/vendors/mercor/intake"
OURS = f"arn:aws:iam::{DATA}:role/pipeline"
WHO = Selected(Identity("role", DATA, "intake", ROLE, "/vendors/mercor/", "AROA1", {}), "path")
HELD = replace(
    REACH,
    vendors=replace(REACH.vendors, reachable=frozenset({ROLE})),
    selected=(WHO,),
)
NOBODY = Reach(Vendors(), AwsSelectors(), (), ())


class Asked(NamedTuple):
    """One call and what is answered: an answer, or the code of an error."""

    operation: str
    words: Mapping[str, Json]
    answer: Any


def found(
    resource: str, service: str, *calls: Asked, reach: Reach = HELD
) -> tuple[list[Grant], list[Gap]]:
    """What is found where AWS answers these calls and no other."""
    connector = aws_stubs.looking_at(resource)
    with ExitStack() as kept:
        stub = kept.enter_context(aws_stubs.answering(service, "reading", connector))
        for operation, words, answer in calls:
            if isinstance(answer, str):
                stub.add_client_error(operation, answer, expected_params=words)
            else:
                stub.add_response(operation, answer, words)
        all_: list[Found] = list(reached.discover(connector.clients, [DATA], {}, reach))
    assert all(isinstance(f, Grant | Gap) for f in all_)
    return [f for f in all_ if isinstance(f, Grant)], [f for f in all_ if isinstance(f, Gap)]


def told(grants: Sequence[Grant]) -> list[str]:
    """What a plan says of each: all of it is left open, and nothing is written."""
    said = [o for grant in grants for o in opinions(aws_stubs.looking_at(), grant)]
    assert all(isinstance(skip, Skip) and skip.leaves_access for skip in said)
    return [skip.reason for skip in said if isinstance(skip, Skip)]


# --- networks ----------------------------------------------------------------------------------


def a_peering(name: str, requester: str, accepter: str, status: str = "active") -> Json:
    """A peering as EC2 shows it."""
    return {
        "VpcPeeringConnectionId": f"pcx-{name}",
        "Status": {"Code": status},
        "RequesterVpcInfo": {"OwnerId": requester, "VpcId": f"vpc-{requester}"},
        "AccepterVpcInfo": {"OwnerId": accepter, "VpcId": f"vpc-{accepter}"},
    }


def peerings(*items: Json, **words: Any) -> tuple[list[Grant], list[Gap]]:
    """What is found of these."""
    answer = {"VpcPeeringConnections": items}
    call = Asked("describe_vpc_peering_connections", {}, answer)
    return found("vpc-peerings", "ec2", call, **words)


def test_a_peering_with_an_account_of_the_vendors_is_named() -> None:
    """Whoever asked for it; not a look-alike's, and not one between accounts of the lab's."""
    grants, gaps = peerings(
        a_peering("in", MERCOR, DATA),
        a_peering("out", DATA, MERCOR),
        a_peering("mercer", MERCER, DATA),
        a_peering("own", DATA, DATA),
    )
    assert not gaps
    assert [g.address.id for g in grants] == ["us-east-1/pcx-in", "us-east-1/pcx-out"]
    assert {g.principal for g in grants} == {MERCOR}
    for reason in told(grants):
        assert f"vpc-{DATA} is peered with vpc-{MERCOR} of account {MERCOR}" in reason
        assert "routes" in reason


@pytest.mark.parametrize(
    ("status", "open_"),
    [
        ("active", True),
        ("provisioning", True),
        ("pending-acceptance", True),
        ("initiating-request", True),
        ("deleted", False),
        ("deleting", False),
        ("expired", False),
        ("failed", False),
        ("rejected", False),
    ],
)
def test_a_peering_is_named_until_it_is_over(*, status: str, open_: bool) -> None:
    """One that waits for a yes as well: somebody may say it."""
    grants, _ = peerings(a_peering("in", MERCOR, DATA, status))
    assert bool(grants) is open_


def test_trap_one_malformed_peering_hides_no_other() -> None:
    """One without a status, and one without an id, are a gap each; what comes after is found."""
    odd = {k: v for k, v in a_peering("odd", MERCOR, DATA).items() if k != "Status"}
    nameless = {k: v for k, v in odd.items() if k != "VpcPeeringConnectionId"}
    grants, gaps = peerings(odd, nameless, a_peering("in", MERCOR, DATA))
    assert [g.address.id for g in grants] == ["us-east-1/pcx-in"]
    assert sorted(g.what for g in gaps) == [
        "one of the vpc-peerings in us-east-1",
        "vpc-peering us-east-1/pcx-odd",
    ]


def an_attachment(name: str, gateway: str, resource: str, **words: str) -> Json:
    """An attachment as EC2 shows it: whose the gateway is, and whose what is attached."""
    return {
        "TransitGatewayAttachmentId": f"tgw-attach-{name}",
        "TransitGatewayOwnerId": gateway,
        "ResourceOwnerId": resource,
        "ResourceType": "vpc",
        "ResourceId": f"vpc-{name}",
        "State": "available",
        **words,
    }


def gateways(attachments: Sequence[Json], peered: Sequence[Json]) -> list[Grant]:
    """What is found of these."""
    name = "describe_transit_gateway{}_attachments"
    grants, gaps = found(
        "transit-gateways",
        "ec2",
        Asked(name.format(""), {}, {"TransitGatewayAttachments": attachments}),
        Asked(name.format("_peering"), {}, {"TransitGatewayPeeringAttachments": peered}),
    )
    assert not gaps
    return grants


def test_what_is_attached_at_a_transit_gateway_is_named_whoever_owns_it(
    one_after_another: None,
) -> None:
    """The vendor's network at ours, and ours at the vendor's; not what is over, nor a look-alike's.

    A peering of gateways is told once, by the call that says both owners.
    """
    tgw = {"OwnerId": DATA, "TransitGatewayId": "tgw-ours"}
    theirs = {"OwnerId": MERCOR, "TransitGatewayId": "tgw-theirs"}
    grants = gateways(
        [
            an_attachment("theirs", DATA, MERCOR),
            an_attachment("ours", MERCOR, DATA, State="pendingAcceptance"),
            an_attachment("mercer", DATA, MERCER),
            an_attachment("over", DATA, MERCOR, State="rejected"),
            an_attachment("peered", DATA, MERCOR, ResourceType="peering"),
        ],
        [
            {
                "TransitGatewayAttachmentId": "tgw-attach-peered",
                "RequesterTgwInfo": tgw,
                "AccepterTgwInfo": theirs,
                "State": "available",
            }
        ],
    )
    assert [g.address.id for g in grants] == [
        "us-east-1/tgw-attach-ours",
        "us-east-1/tgw-attach-theirs",
        "us-east-1/tgw-attach-peered",
    ]
    assert "peering of tgw-ours and tgw-theirs" in told(grants)[2]
    assert all(f"account {MERCOR}" in reason for reason in told(grants))


@pytest.fixture
def one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stub answers in the order of its calls, which two kinds of one service do not keep."""
    monkeypatch.setattr(reached, "READERS_AT_ONCE", 1)


def a_rule(name: str, who: str, *, out: bool = False, peering: str = "active") -> Json:
    """A rule that names a group of an account's."""
    return {
        "SecurityGroupRuleId": f"sgr-{name}",
        "GroupId": "sg-ours",
        "IsEgress": out,
        "ReferencedGroupInfo": {"GroupId": "sg-theirs", "UserId": who, "PeeringStatus": peering},
    }


def test_a_rule_that_names_a_group_of_the_vendors_is_named() -> None:
    """On every page; not one that names an address, a look-alike's group, or what is over."""
    ask = "describe_security_group_rules"
    first = [
        a_rule("in", MERCOR),
        a_rule("mercer", MERCER),
        {"SecurityGroupRuleId": "sgr-cidr", "GroupId": "sg-ours", "CidrIpv4": "10.0.0.0/8"},
    ]
    second = [a_rule("out", MERCOR, out=True), a_rule("stale", MERCOR, peering="deleted")]
    grants, gaps = found(
        "security-group-rules",
        "ec2",
        Asked(ask, {"MaxResults": 1000}, {"SecurityGroupRules": first, "NextToken": "more"}),
        Asked(ask, {"MaxResults": 1000, "NextToken": "more"}, {"SecurityGroupRules": second}),
    )
    assert not gaps
    one, other = told(grants)
    assert "sgr-in of the security group sg-ours lets traffic in from the group sg-theirs" in one
    assert "lets traffic out to" in other


# --- delegation --------------------------------------------------------------------------------

LIST = "list_delegation_requests"


def a_request(name: str, who: str, state: str) -> Json:
    """A delegation request as IAM shows it."""
    return {
        "DelegationRequestId": f"request-{name}-0000",
        "RequestorId": who,
        "State": state,
        "SessionDuration": 3600,
    }


def test_a_delegation_request_of_the_vendors_is_named_and_not_rejected() -> None:
    """Whoever has yet to say yes, and one that was given; not what is over, nor a look-alike's.

    IAM says that there is more by `isTruncated` and a marker, and the SDK has no word for that.
    """
    first = [a_request("asked", MERCOR, "ASSIGNED"), a_request("mercer", MERCER, "FINALIZED")]
    second = [
        a_request("given", MERCOR, "FINALIZED"),
        a_request("over", MERCOR, "EXPIRED"),
        a_request("refused", MERCOR, "REJECTED"),
    ]
    grants, gaps = found(
        "delegation-requests",
        "iam",
        Asked(LIST, {}, {"DelegationRequests": first, "isTruncated": True, "Marker": "more"}),
        Asked(LIST, {"Marker": "more"}, {"DelegationRequests": second, "isTruncated": False}),
    )
    assert not gaps
    assert [g.address.id for g in grants] == ["request-asked-0000", "request-given-0000"]
    asked, given = told(grants)
    assert "which is ASSIGNED: reject it" in asked
    assert "FINALIZED" in given
    assert "3600 seconds" in given


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAction", "ServiceFailureException"])
def test_where_iam_does_not_say_its_delegation_requests_that_is_a_gap(code: str) -> None:
    """Refused, or unknown where it is: never nothing there."""
    grants, gaps = found("delegation-requests", "iam", Asked(LIST, {}, code))
    assert not grants
    (gap,) = gaps
    assert code in gap.cause


# --- clusters ----------------------------------------------------------------------------------

CLUSTERS = Asked("list_clusters", {}, {"clusters": ["one", "two"]})


def entries(cluster: str, *arns: str) -> Asked:
    """Who has an entry in a cluster."""
    answer = {"accessEntries": list(arns)}
    return Asked("list_access_entries", {"clusterName": cluster}, answer)


def test_trap_whom_our_deny_ends_in_iam_it_does_not_end_in_a_cluster() -> None:
    """A role of ours that the vendor holds is named, and who is in its account; nobody else."""
    theirs = f"arn:aws:iam::{MERCOR}:role/kube"
    grants, gaps = found(
        "cluster-entries",
        "eks",
        CLUSTERS,
        entries("one", ROLE, OURS),
        entries("two", theirs, f"arn:aws:iam::{MERCER}:role/kube"),
    )
    assert not gaps
    assert [g.principal for g in grants] == [ROLE, theirs]
    assert grants[0].address.id == f"us-east-1/one/{ROLE}"
    assert "no deny of IAM ends that" in told(grants)[0]


def test_trap_a_cluster_without_access_entries_is_a_gap_and_hides_no_other() -> None:
    """Who comes in there stands in the cluster itself, where AWS says nothing: EKS refuses."""
    old = Asked("list_access_entries", {"clusterName": "one"}, "InvalidRequestException")
    grants, gaps = found("cluster-entries", "eks", CLUSTERS, old, entries("two", ROLE))
    assert [g.address.id for g in grants] == [f"us-east-1/two/{ROLE}"]
    assert [g.what for g in gaps] == ["cluster-entries in us-east-1/one"]


def test_an_entry_of_whom_only_a_tag_selects_does_not_vouch() -> None:
    """The entry is no surer than what says whose the role is."""
    only_tagged = replace(HELD, selected=(replace(WHO, vouched=False),))
    clusters = Asked("list_clusters", {}, {"clusters": ["one"]})
    grants, _ = found("cluster-entries", "eks", clusters, entries("one", ROLE), reach=only_tagged)
    assert [g.vouched for g in grants] == [False]


# --- users of Transfer Family ------------------------------------------------------------------


def transfers(*users: Json, reach: Reach = HELD) -> tuple[list[Grant], list[Gap]]:
    """What is found of the users of one server."""
    shown = [
        Asked("describe_user", {"ServerId": SERVER, "UserName": u["UserName"]},
              {"ServerId": SERVER, "User": u})
        for u in users
    ]  # fmt: skip
    listed = [{k: v for k, v in user.items() if k != "Tags"} for user in users]
    return found(
        "transfer-users",
        "transfer",
        Asked("list_servers", {}, {"Servers": [{"Arn": ARN, "ServerId": SERVER}]}),
        Asked("list_users", {"ServerId": SERVER}, {"ServerId": SERVER, "Users": listed}),
        *shown,
        reach=reach,
    )


SERVER = "s-0123456789abcdef0"
ARN = f"arn:aws:transfer:us-east-1:{DATA}:server/{SERVER}"


def a_user(name: str, role: str, vendor: str = "") -> Json:
    """A user of a server, with a tag or without one."""
    return {
        "Arn": f"arn:aws:transfer:us-east-1:{DATA}:user/{SERVER}/{name}",
        "UserName": name,
        "Role": role,
        **({"Tags": [{"Key": "vendor", "Value": vendor}]} if vendor else {}),
    }


def test_a_user_of_transfer_family_is_named_where_its_role_is_not_the_vendors_alone() -> None:
    """The role that is the vendor's is denied already, and so is what the user would reach."""
    grants, gaps = transfers(
        a_user("alone", ROLE, "mercor"),
        a_user("ftp@mercor", OURS, "mercor"),
        a_user("lab", OURS),
        a_user("mercer", OURS, "mercer"),
    )
    assert not gaps
    (grant,) = grants
    assert grant.address.id == f"us-east-1/{SERVER}/ftp@mercor"
    assert not grant.vouched
    assert f"works as {OURS}" in told(grants)[0]


def test_a_user_of_transfer_family_is_named_where_others_use_the_vendors_role_too() -> None:
    """Such a role is shut at its door alone, and the service comes in by that of others."""
    shared = replace(HELD, selected=(replace(WHO, shared_with=("transfer.amazonaws.com",)),))
    grants, _ = transfers(a_user("alone", ROLE, "mercor"), reach=shared)
    assert [g.address.id for g in grants] == [f"us-east-1/{SERVER}/alone"]


def test_a_user_of_transfer_family_is_the_vendors_by_its_arn_too() -> None:
    """And that does vouch for it; without tags and ARNs nobody is asked for."""
    user = a_user("ftp", OURS)
    named = AwsSelectors(principals=(user["Arn"],))
    grants, _ = transfers(user, reach=replace(NOBODY, selectors=named))
    assert [g.vouched for g in grants] == [True]


# --- all of them -------------------------------------------------------------------------------

KINDS = {
    "vpc-peerings": ("ec2", "describe_vpc_peering_connections", {}),
    "security-group-rules": ("ec2", "describe_security_group_rules", {"MaxResults": 1000}),
    "cluster-entries": ("eks", "list_clusters", {}),
    "transfer-users": ("transfer", "list_servers", {}),
}


@pytest.mark.parametrize("resource", sorted(KINDS))
def test_what_may_not_be_listed_is_a_gap(resource: str) -> None:
    """A refusal never means that nothing is there."""
    service, operation, words = KINDS[resource]
    grants, gaps = found(resource, service, Asked(operation, words, "AccessDenied"))
    assert not grants
    assert [g.what for g in gaps] == [f"{resource} in us-east-1"]


@pytest.mark.parametrize(
    ("resource", "service"),
    [
        ("vpc-peerings", "ec2"),
        ("transit-gateways", "ec2"),
        ("security-group-rules", "ec2"),
        ("delegation-requests", "iam"),
        ("transfer-users", "transfer"),
        ("url-signers", "cloudfront"),
    ],
)
def test_nobody_is_asked_about_a_vendor_that_could_not_be_told_there(
    resource: str, service: str
) -> None:
    """Where its file names no account, and no tag."""
    assert found(resource, service, reach=NOBODY) == ([], [])
