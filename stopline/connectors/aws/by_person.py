"""Resources whose policy can let the vendor in and takes no deny of ours: rows for what is found,
named, and left to a person. Pure.
"""

from collections.abc import Mapping

from stopline.connectors.aws.kinds import Call, Resource, by_arn, named, where_of
from stopline.connectors.aws.longtail import MOST
from stopline.model import Grant

_MAIL = "arn:aws:ses:{region}:{account}:identity/{name}"
MAIL = Resource(
    # Of the conditions on who asks, by which ours tells the vendor from others, SES knows none.
    # https://docs.aws.amazon.com/ses/latest/dg/policy-anatomy.html
    kind="mail-identity",
    contains="mail-identities",
    service="sesv2",
    listing="list_email_identities",
    items="EmailIdentities",
    name=lambda item: str(item["IdentityName"]),
    # Nobody sends as what was never verified, and SES does not tell its policies.
    ours=lambda item, _: item.get("VerificationStatus") in ("SUCCESS", "TEMPORARY_FAILURE"),
    # https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentityPolicies.html
    get=Call("get_email_identity_policies", named("EmailIdentity")),
    text="Policies",
    several=True,
    bare=True,
    most=100,  # SES answers once a second
    arn=_MAIL,
    by_hand="SES knows no condition on who asks, so a deny of ours would not hold there: take the "
    "vendor out of the identity's policies by hand",
)
_CHANNEL = "arn:aws:cloudtrail:{region}:{account}:channel/{name}"
CHANNELS = Resource(
    # Whoever may put events of its own into the lab's CloudTrail Lake.
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/security_iam_resource-based-policy-examples.html
    kind="audit-channel",
    contains="audit-channels",
    service="cloudtrail",
    listing="list_channels",
    items="Channels",
    name=lambda item: str(item["ChannelArn"]).rpartition("/")[2],
    get=Call("get_resource_policy", by_arn(_CHANNEL, "ResourceArn")),
    text="ResourcePolicy",
    absent=("ResourcePolicyNotFoundException",),
    says="cloudtrail-data:*",
    arn=_CHANNEL,
    by_hand="CloudTrail takes none but principals by their names there: take it out by hand",
)
_STORE = "arn:aws:cloudtrail:{region}:{account}:eventdatastore/{name}"
EVENT_STORES = Resource(
    # https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetResourcePolicy.html
    kind="event-store",
    contains="event-stores",
    service="cloudtrail",
    listing="list_event_data_stores",
    items="EventDataStores",
    name=lambda item: str(item["EventDataStoreArn"]).rpartition("/")[2],
    get=Call("get_resource_policy", by_arn(_STORE, "ResourceArn")),
    text="ResourcePolicy",
    absent=("ResourcePolicyNotFoundException",),
    arn=_STORE,
    by_hand=CHANNELS.by_hand,
)
_AUTHORITY = "arn:aws:acm-pca:{region}:{account}:certificate-authority/{name}"
AUTHORITIES = Resource(
    # https://docs.aws.amazon.com/privateca/latest/userguide/pca-rbp.html
    kind="private-authority",
    contains="private-authorities",
    service="acm-pca",
    listing="list_certificate_authorities",
    asked=lambda _, _reach: ({"ResourceOwner": "SELF"},),
    items="CertificateAuthorities",
    name=lambda item: str(item["Arn"]).rpartition("/")[2],
    ours=lambda item, _: item.get("Status") != "DELETED",
    get=Call("get_policy", by_arn(_AUTHORITY, "ResourceArn")),
    text="Policy",
    absent=("ResourceNotFoundException",),
    arn=_AUTHORITY,
    by_hand="AWS takes none but its own forms of a policy there, and no deny: take the vendor out "
    "by hand, and end the certificates that it has had issued",
)
_SNAPSHOT = "arn:aws:redshift-serverless:{region}:{account}:snapshot/{name}"
WAREHOUSE_SNAPSHOTS = Resource(
    # Who may restore a snapshot into a namespace of its own.
    # https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_PutResourcePolicy.html
    kind="warehouse-snapshot",
    contains="warehouse-snapshots",
    service="redshift-serverless",
    listing="list_snapshots",
    items="snapshots",
    name=lambda item: str(item["snapshotArn"]).rpartition("/")[2],
    ours=lambda item, account: item.get("ownerAccount", account) == account,
    get=Call("get_resource_policy", by_arn(_SNAPSHOT, "resourceArn")),
    text="resourcePolicy.policy",
    absent=("ResourceNotFoundException",),
    most=MOST,
    arn=_SNAPSHOT,
    by_hand="Redshift documents no deny in such a policy: take the vendor out by hand; what it has "
    "restored is its own",
)
_NAMESPACE = "arn:aws:redshift:{region}:{account}:namespace:{name}"
WAREHOUSES = Resource(
    # Who may have another database copied into it. Its data shares and snapshots are no policies.
    # https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetResourcePolicy.html
    kind="warehouse",
    contains="warehouses",
    service="redshift",
    listing="describe_clusters",
    items="Clusters",
    name=lambda item: str(item["ClusterNamespaceArn"]).rpartition(":")[2],
    get=Call("get_resource_policy", by_arn(_NAMESPACE, "ResourceArn")),
    text="ResourcePolicy.Policy",
    absent=("ResourceNotFoundFault",),
    bare=True,
    arn=_NAMESPACE,
    by_hand="Redshift documents no deny in such a policy: take the vendor out by hand",
)

LEFT: Mapping[str, Resource] = {
    row.kind: row
    for row in (MAIL, CHANNELS, EVENT_STORES, AUTHORITIES, WAREHOUSE_SNAPSHOTS, WAREHOUSES)
}
"""By kind of resource."""


def reason(grant: Grant) -> str:
    """Why one is left open, and what a person must do."""
    row = LEFT[grant.address.kind]
    name = where_of(grant.address.document).name
    return (
        f"the policy of the {row.kind.replace('-', ' ')} {name} lets the vendor in. {row.by_hand}"
    )
