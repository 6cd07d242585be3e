"""The narrowest IAM policies that do, made from what `permissions` declares, by no hand. Pure.

An action that is declared tomorrow is in the policy tomorrow: `RULES` only narrow the resources
and conditions, by what an action is about. What no rule knows is allowed on `*`, and shown so.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stopline.connectors.aws import marks
from stopline.connectors.aws.permissions import (
    CANARY,
    ORGANIZATION_READ,
    ORGANIZATION_WRITE,
    READ,
    TERMINATE,
    WRITE,
)
from stopline.text import Json, canonical

MOST = 6_144
"""Characters of a managed policy, white space not counted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
ROOM = MOST - 512
"""What a file takes: a lab may narrow an ARN to its own accounts, and it still fits."""
FOLDER = "config/permissions/aws"

OURS = f"arn:aws:iam::*:policy{marks.PATH}*"
_ASSUME = frozenset({"sts:AssumeRole"})
_SPARED = tuple(
    f"arn:aws:iam::*:{kind}/{path}/*"
    for path in ("break-glass", marks.PATH.strip("/"))
    for kind in ("role", "user")
)
"""What the worker must never change, whoever holds its credentials: its own kind, break-glass."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The resources, and the condition, that AWS lets an action be narrowed to."""

    actions: str
    """A regular expression over the whole action."""
    sid: str
    resources: tuple[str, ...]
    condition: tuple[tuple[str, str, str | tuple[str, ...]], ...] = ()
    """Operator, key, value, or any of several."""


_USERS, _ROLES = ("arn:aws:iam::*:user/*",), ("arn:aws:iam::*:role/*",)
_ONLY_OURS = (("ArnLike", "iam:PolicyARN", OURS),)
_ONLY_OUR_BOUNDARY = (("ArnLike", "iam:PermissionsBoundary", OURS),)
_SENDS = ("events.amazonaws.com", "logs.amazonaws.com")
_TO_WHAT_SENDS = (("StringEquals", "iam:PassedToService", _SENDS),)
_CANARY_USERS = (f"arn:aws:iam::*:user{marks.CANARY_PATH}*",)

_DIRECTORY = (
    "arn:aws:identitystore::*:identitystore/*",
    *(f"arn:aws:identitystore:::{kind}/*" for kind in ("group", "membership", "user")),
)
_ASSIGNMENTS = tuple(f"arn:aws:sso:::{kind}/*" for kind in ("account", "instance", "permissionSet"))
_APPLICATIONS = ("arn:aws:sso::*:application/*", "arn:aws:sso:::instance/*")
_CONTROLS = tuple(
    f"arn:aws:organizations::*:policy/*/{kind}/*"
    for kind in ("service_control_policy", "resource_control_policy")
)
_PLACES = tuple(f"arn:aws:organizations::*:{kind}/*" for kind in ("root", "ou", "account"))

_ANYWHERE = tuple(f"arn:aws:rolesanywhere:*:*:{kind}/*" for kind in ("profile", "trust-anchor"))
_POOLS = ("arn:aws:cognito-identity:*:*:identitypool/*",)
_OBJECT_LAMBDAS = ("arn:aws:s3-object-lambda:*:*:accesspoint/*",)
_PACKAGES = tuple(f"arn:aws:codeartifact:*:*:{kind}/*" for kind in ("domain", "repository"))
_LATTICE = tuple(f"arn:aws:vpc-lattice:*:*:{kind}/*" for kind in ("service", "servicenetwork"))
_LOGS = tuple(f"arn:aws:logs:*:*:{kind}:*" for kind in ("destination", "log-group"))
_API_KEYS = tuple(f"arn:aws:apigateway:*::/apikeys{rest}" for rest in ("", "/*"))
_SHARES = ("arn:aws:ram:*:*:resource-share/*",)
_OF_A_CATALOG = (("StringLike", "ram:RequestedResourceType", "glue:*"),)
_OF_A_LAKE = (("StringLike", "ram:ResourceShareName", "LakeFormation*"),)
_CREDENTIALS = r"AccessKeys?|SSHPublicKeys?|SigningCertificates?|ServiceSpecificCredentials?"

RULES = (
    Rule(r"iam:(Attach|Detach)UserPolicy", "OurPolicyOnUsers", _USERS, _ONLY_OURS),
    Rule(r"iam:(Attach|Detach)RolePolicy", "OurPolicyOnRoles", _ROLES, _ONLY_OURS),
    Rule(r"iam:\w+UserPermissionsBoundary", "OurBoundaryOnUsers", _USERS, _ONLY_OUR_BOUNDARY),
    Rule(r"iam:\w+RolePermissionsBoundary", "OurBoundaryOnRoles", _ROLES, _ONLY_OUR_BOUNDARY),
    # What had a role, as which EventBridge or CloudWatch Logs sends, is given back with it.
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
    Rule(r"iam:PassRole", "PassedOn", _ROLES, _TO_WHAT_SENDS),
    Rule(r"iam:SimulatePrincipalPolicy", "Simulate", (*_ROLES, *_USERS)),
    Rule(r"iam:(Create|Delete)(User|AccessKey)", "CanaryUsers", _CANARY_USERS),
    Rule(r"s3:(Create|Delete)Bucket", "CanaryBuckets", (f"arn:aws:s3:::{marks.CANARY}-*",)),
    Rule(rf"iam:\w*(User(Polic(y|ies))?|{_CREDENTIALS})", "Users", _USERS),
    Rule(r"iam:\w*Role(Polic(y|ies))?", "Roles", _ROLES),
    Rule(r"iam:\w*Policy\w*", "OurPolicies", (OURS,)),
    Rule(r"s3:(?!List)\w+AccessGrants\w+", "AccessGrants", ("arn:aws:s3:*:*:access-grants/*",)),
    Rule(r"s3:(Get|Put)MultiRegion\w+", "FarPoints", ("arn:aws:s3::*:accesspoint/*",)),
    Rule(r"s3:(?!List)\w+ForObjectLambda", "ObjectLambdas", _OBJECT_LAMBDAS),
    Rule(r"s3:(?!List)\w+AccessPoint\w+", "Points", ("arn:aws:s3:*:*:accesspoint/*",)),
    Rule(r"s3:(?!ListA|ListM)\w+", "Buckets", ("arn:aws:s3:::*",)),
    Rule(r"kms:(?!ListKeys)\w+", "Keys", ("arn:aws:kms:*:*:key/*",)),
    # AWS has no resource for these: a policy that names one allows none of them.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementrolesanywhere.html
    Rule(r"sns:\w+SubscriptionAttributes", "Subscriptions", ("*",)),
    Rule(r"logs:\w+AccountPolicy", "LogPolicies", ("*",)),
    Rule(r"events:\w+Permission", "BusPermissions", ("*",)),
    Rule(r"rolesanywhere:ListTags\w+", "AnchorTags", ("*",)),
    Rule(r"sns:(?!ListTopics)\w+", "Topics", ("arn:aws:sns:*:*:*",)),
    Rule(r"sqs:(?!ListQueues)\w+", "Queues", ("arn:aws:sqs:*:*:*",)),
    Rule(r"secretsmanager:(?!ListSecrets)\w+", "Secrets", ("arn:aws:secretsmanager:*:*:secret:*",)),
    Rule(r"ecr:\w+RegistryPolicy", "Registries", ("*",)),
    Rule(r"ecr:\w+", "Repositories", ("arn:aws:ecr:*:*:repository/*",)),
    Rule(r"dynamodb:(?!List)\w+", "Tables", ("arn:aws:dynamodb:*:*:table/*",)),
    Rule(r"events:\w+(Rule|Targets)", "Rules", ("arn:aws:events:*:*:rule/*",)),
    Rule(r"events:(?!List)\w+", "EventBuses", ("arn:aws:events:*:*:event-bus/*",)),
    Rule(r"lambda:(?!List)\w+LayerVersion\w*", "Layers", ("arn:aws:lambda:*:*:layer:*",)),
    Rule(r"lambda:(?!ListFunctions|ListLayer)\w+", "Functions", ("arn:aws:lambda:*:*:function:*",)),
    Rule(r"elasticfilesystem:\w+", "Files", ("arn:aws:elasticfilesystem:*:*:file-system/*",)),
    Rule(r"es:(?!ListDomainNames)\w+", "Domains", ("arn:aws:es:*:*:domain/*",)),
    Rule(r"identitystore:\w+Membership", "Memberships", _DIRECTORY),
    Rule(r"sso:(Create|Delete)AccountAssignment", "Assignments", _ASSIGNMENTS),
    Rule(r"sso:(Create|Delete)ApplicationAssignment", "Applications", _APPLICATIONS),
    Rule(r"organizations:(Attach|Detach)Policy", "Attachments", (*_CONTROLS, *_PLACES)),
    Rule(r"organizations:(Update|Delete)Policy", "Controls", _CONTROLS),
    Rule(r"kinesis:(?!ListStreams)\w+", "Streams", ("arn:aws:kinesis:*:*:stream/*",)),
    Rule(r"backup:(?!ListBackupVaults)\w+", "Vaults", ("arn:aws:backup:*:*:backup-vault:*",)),
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscription-Filter-CrossAccount-Permissions-Firehose.html
    Rule(r"logs:(?!DescribeA|DescribeL)\w+", "Logs", _LOGS),
    Rule(r"glue:\w+", "Catalogs", ("arn:aws:glue:*:*:catalog",)),
    Rule(r"codeartifact:(?!List)\w+", "Packages", _PACKAGES),
    Rule(r"s3tables:(?!ListTableB)\w+", "TableBuckets", ("arn:aws:s3tables:*:*:bucket/*",)),
    Rule(r"s3vectors:(?!List)\w+", "VectorBuckets", ("arn:aws:s3vectors:*:*:bucket/*",)),
    Rule(r"s3express:(?!List)\w+", "DirectoryBuckets", ("arn:aws:s3express:*:*:bucket/*",)),
    Rule(r"vpc-lattice:(?!List)\w+", "Lattice", _LATTICE),
    Rule(r"ses:(?!List)\w+", "Mail", ("arn:aws:ses:*:*:identity/*",)),
    Rule(r"acm-pca:(?!List)\w+", "Authorities", ("arn:aws:acm-pca:*:*:certificate-authority/*",)),
    Rule(
        r"ec2:(Modify|Accept|Reject)Vpc\w+", "Services", ("arn:aws:ec2:*:*:vpc-endpoint-service/*",)
    ),
    Rule(r"ec2:ModifyImageAttribute", "Images", ("arn:aws:ec2:*::image/*",)),
    Rule(r"ec2:ModifySnapshotAttribute", "Snapshots", ("arn:aws:ec2:*::snapshot/*",)),
    Rule(r"ec2:ModifyFpgaImageAttribute", "FpgaImages", ("arn:aws:ec2:*:*:fpga-image/*",)),
    Rule(r"ssm:(?!List)\w+", "Documents", ("arn:aws:ssm:*:*:document/*",)),
    Rule(r"redshift:\w+thorizeDataShare", "Datashares", ("arn:aws:redshift:*:*:datashare:*",)),
    Rule(r"redshift:\w+SnapshotAccess", "Snapshot", ("arn:aws:redshift:*:*:snapshot:*",)),
    Rule(r"signer:(?!List)\w+", "Signing", ("arn:aws:signer:*:*:/signing-profiles/*",)),
    Rule(
        r"serverlessrepo:(?!List)\w+",
        "Applications",
        ("arn:aws:serverlessrepo:*:*:applications/*",),
    ),
    # AWS lets nobody narrow who reaches a cluster of Redshift by an endpoint, nor what is done in
    # Lake Formation, which shares over RAM with the rights of whoever grants.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonredshift.html
    # https://docs.aws.amazon.com/lake-formation/latest/dg/cross-account-prereqs.html
    Rule(r"redshift:\w+EndpointAccess", "Endpoints", ("*",)),
    Rule(r"lakeformation:\w+", "Lakes", ("*",)),
    Rule(r"ram:CreateResourceShare", "LakeShare", ("*",), _OF_A_CATALOG),
    Rule(r"ram:(Update|Delete)ResourceShare", "LakeShares", _SHARES, _OF_A_LAKE),
    Rule(r"rds:Modify\w+", "DbSnapshots", ("arn:aws:rds:*:*:*snapshot:*",)),
    Rule(r"ram:(Disa|A)ssociate\w+", "Shares", _SHARES),
    Rule(r"rolesanywhere:(?!List(Trust|Prof))\w+", "Anchors", _ANYWHERE),
    Rule(r"cognito-identity:(?!List)\w+", "IdentityPools", _POOLS),
    Rule(r"cognito-idp:(?!ListUserPools$)\w+", "Pools", ("arn:aws:cognito-idp:*:*:userpool/*",)),
    # AWS lets nobody narrow what is done to a key group.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
    Rule(r"cloudfront:UpdateKeyGroup", "KeyGroups", ("*",)),
    Rule(r"apigateway:GET", "Gateways", (*_API_KEYS, "arn:aws:apigateway:*::/restapis")),
    Rule(r"apigateway:PATCH", "ApiKeys", _API_KEYS[1:]),
    Rule(r"eks:(?!ListClusters)\w+", "Clusters", ("arn:aws:eks:*:*:cluster/*",)),
    Rule(r"transfer:ListUsers", "Transfers", ("arn:aws:transfer:*:*:server/*",)),
    Rule(r"transfer:DescribeUser", "TransferUsers", ("arn:aws:transfer:*:*:user/*",)),
    Rule(r"sts:AssumeRole", "Worker", (f"arn:aws:iam::*:role{marks.PATH}*",)),
)
"""The first that knows an action counts."""
_ANYTHING = Rule("", "Account", ("*",))
_STILL_DENIED = (("ArnEquals", "iam:PermissionsBoundary", marks.DENY_ALL),)
ENDS = (
    Rule(r"iam:PutUser\w+", "DenyUsers", _USERS, _STILL_DENIED),
    Rule(r"iam:PutRole\w+", "DenyRoles", _ROLES, _STILL_DENIED),
    Rule(r"iam:\w+InstanceProfile", "Profiles", ("arn:aws:iam::*:instance-profile/*",)),
    Rule(r"iam:\w+FromGroup", "Groups", ("arn:aws:iam::*:group/*",)),
    Rule(r"iam:DeleteVirtualMFADevice", "Devices", ("arn:aws:iam::*:mfa/*",)),
    Rule(r"iam:\w+Role(Policy)?", "EndedRoles", _ROLES),
    Rule(r"iam:\w+", "EndedUsers", _USERS),
)
"""Those of a termination, which goes further than a containment: what it deletes is others' work.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
"""


def rule_of(action: str, rules: tuple[Rule, ...] = RULES) -> Rule:
    """The first rule that knows an action."""
    return next((r for r in rules if re.fullmatch(r.actions, action)), _ANYTHING)


def statements(actions: frozenset[str], rules: tuple[Rule, ...] = RULES) -> list[Json]:
    """Allow statements for these actions, one for each way in which they are narrowed."""
    groups: dict[Rule, list[str]] = {}
    for action in sorted(actions):
        groups.setdefault(rule_of(action, rules), []).append(action)
    return [_statement(rule, groups[rule]) for rule in sorted(groups, key=lambda r: r.sid)]


def _statement(rule: Rule, actions: list[str]) -> Json:
    said: dict[str, Json] = {
        "Sid": rule.sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": list(rule.resources),
    }
    if rule.condition:
        said["Condition"] = {
            operator: {key: value if isinstance(value, str) else list(value)}
            for operator, key, value in rule.condition
        }
    return said


def _spare(actions: frozenset[str], rules: tuple[Rule, ...] = RULES) -> Json:
    """Deny what changes a principal on those that must never be changed."""
    about = (*_USERS, *_ROLES)
    hits = [a for a in sorted(actions) if set(rule_of(a, rules).resources) & set(about)]
    return {"Sid": "Spared", "Effect": "Deny", "Action": hits, "Resource": list(_SPARED)}


_WHO = ("cognito-", "iam:", "identitystore:", "rolesanywhere:", "sso:")
"""How actions begin that are about who comes in; all others are about what is reached."""


def policies() -> Mapping[str, Json]:
    """Every policy by the name of its file.

    `read` and both of `write` are for the roles in each account, `canary` for the second one when
    `stopline doctor --canary` is wanted, `terminate` when `stopline terminate` is, `worker` for
    the principal that assumes them. The two of the organization are for its role alone: the first
    for what it reads, the second besides for the fast cut.
    """
    who = frozenset(action for action in WRITE if action.startswith(_WHO))
    said = {
        "read": statements(READ - _ASSUME),
        "write-principals": [*statements(who), _spare(WRITE)],
        "write-resources": statements(WRITE - who),
        "canary": statements(CANARY),
        "terminate": [*statements(TERMINATE, ENDS), _spare(TERMINATE, ENDS)],
        "organization-read": statements(ORGANIZATION_READ),
        "organization-write": statements(ORGANIZATION_WRITE),
        "worker": statements(_ASSUME),
    }
    filed = (each for name, all_ in said.items() for each in in_files(name, all_).items())
    return {name: _policy(part) for name, part in filed}


def in_files(name: str, said: Sequence[Json]) -> dict[str, list[Json]]:
    """Statements in as many files as they need: `name`, then `name-2` and on. Pure.

    Each whole, in their order; what is denied stands in the first, which a role is never without.
    """
    denied = [s for s in said if s["Effect"] == "Deny"]
    parts: list[list[Json]] = [[]]
    for statement in (s for s in said if s["Effect"] == "Allow"):
        with_it = [*parts[-1], statement, *(denied if len(parts) == 1 else ())]
        if parts[-1] and len(canonical(_policy(with_it))) > ROOM:
            parts.append([])
        parts[-1].append(statement)
    parts[0] += denied
    return {f"{name}-{n}" if n > 1 else name: part for n, part in enumerate(parts, 1)}


def _policy(said: list[Json]) -> Json:
    return {"Version": "2012-10-17", "Statement": said}


def where_said(kind: str, actions: Iterable[str]) -> str:
    """Which files of `read` or of `write` allow these actions, as in `what ... says`."""
    wanted = {*actions}
    files = sorted(
        f"{FOLDER}/{name}.json"
        for name, policy in policies().items()
        if name.startswith(kind)
        and any(s["Effect"] == "Allow" and wanted & {*s["Action"]} for s in policy["Statement"])
    )
    return f"{' and '.join(files)} {'say' if len(files) > 1 else 'says'}"


def text_of(policy: Json) -> str:
    """The text of a policy's file."""
    return json.dumps(policy, indent=2) + "\n"
