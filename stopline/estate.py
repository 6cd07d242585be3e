"""config/estate.yaml as typed data: what the lab runs, and what no plan may ever touch. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stopline import yamltext
from stopline.formats import (
    account_id,
    arn_or_glob,
    customer_id,
    drive_id,
    https_url,
    line,
    number,
    organization_id,
    project_id,
    protected,
    region,
    role_name,
    service_account,
    stripe_account,
    variable,
    word,
)
from stopline.mapping import LedgerMapping, meaning

Account = Annotated[str, AfterValidator(account_id)]
Arn = Annotated[str, AfterValidator(arn_or_glob)]
Shielded = Annotated[str, AfterValidator(protected)]
ServiceAccount = Annotated[str, AfterValidator(service_account)]
Region = Annotated[str, AfterValidator(region)]
AwsResource = Literal[
    "kms-keys",
    "sns-topics",
    "sqs-queues",
    "secrets",
    "ecr-repositories",
    "ecr-registries",
    "dynamodb-tables",
    "event-buses",
    "lambda-functions",
    "file-systems",
    "search-domains",
    "streams",
    "backup-vaults",
    "access-points",
    "multi-region-access-points",
    "access-grants",
    "data-catalogs",
    "stream-consumers",
    "table-streams",
    "lambda-versions",
    "package-domains",
    "package-repositories",
    "table-buckets",
    "vector-buckets",
    "directory-buckets",
    "object-lambdas",
    "lattice-services",
    "lattice-networks",
    "images",
    "snapshots",
    "db-snapshots",
    "db-cluster-snapshots",
    "resource-shares",
    "lambda-layers",
    "endpoint-services",
    "endpoint-connections",
    "fpga-images",
    "ssm-documents",
    "datashares",
    "redshift-endpoints",
    "redshift-snapshots",
    "signing-profiles",
    "serverless-applications",
    "lake-permissions",
    "trust-anchors",
    "anywhere-profiles",
    "pool-users",
    "api-keys",
    "app-clients",
    "key-groups",
    "event-targets",
    "topic-subscriptions",
    "log-subscriptions",
    "log-account-policies",
    "identity-pools",
    "apis",
    "mail-identities",
    "audit-channels",
    "event-stores",
    "private-authorities",
    "warehouse-snapshots",
    "warehouses",
    "url-signers",
    "bucket-destinations",
    "vpc-peerings",
    "transit-gateways",
    "security-group-rules",
    "delegation-requests",
    "cluster-entries",
    "transfer-users",
]
"""Resources of AWS with a policy of their own, beside buckets, and what is shared with accounts; a
playbook's words for them."""
RoleName = Annotated[str, AfterValidator(role_name)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AwsAccount(_Strict):
    """One account of the lab. `role` and `read_role` override the estate's (with path) here."""

    name: str = ""
    role: RoleName = ""
    read_role: RoleName = ""


class IdentityCenter(_Strict):
    """Where IAM Identity Center is administered: its account, or its delegated one, and region."""

    account: Account
    region: Region


class AwsOrganization(_Strict):
    """The lab's organization, for a fast cut and for what its policies refuse.

    `account` is its management account, or one to which the policies are delegated: `role` is
    assumed there, and `read_role` for all that only reads. It need not be in `accounts`.
    """

    id: Annotated[str, AfterValidator(organization_id)]
    account: Account
    role: RoleName = Field(min_length=1)
    read_role: RoleName = ""


class AwsEstate(_Strict):
    """The lab's AWS accounts and the role that stopline assumes in each of them.

    `role` is the role's name with its path but without the leading slash
    (`stopline/stopline-worker`); empty means: use the worker's own credentials as they are, which
    is right for a single account only. `read_role`, where there is one, is assumed instead for
    all that only reads; `role` is then used for writes alone. `calls_per_second` bounds us per
    account and service. `regions` is where regional services are looked at; none means the region
    of the worker's own AWS settings. `resources` are the kinds whose policies and shares are read,
    by default all; each costs a call for each page and for each resource, whenever something is
    planned. `identity_center` is where people's groups and account assignments are, in one of
    `accounts`. Without an `organization` there is no fast cut, and its policies are not read.
    `simulate` asks AWS's own simulator about each principal that was denied, besides.
    """

    accounts: dict[Account, AwsAccount] = Field(min_length=1)
    role: RoleName = ""
    read_role: RoleName = ""
    external_id: str = ""
    calls_per_second: float = Field(default=15, gt=0, strict=True)
    propagation: float = Field(default=15, ge=0, strict=True)
    regions: tuple[Region, ...] = ()
    resources: tuple[AwsResource, ...] = get_args(AwsResource)
    identity_center: IdentityCenter | None = None
    organization: AwsOrganization | None = None
    simulate: bool = Field(default=False, strict=True)

    @property
    def own(self) -> frozenset[str]:
        """The lab's own accounts: those that are looked at, and the organization's."""
        return frozenset(
            {*self.accounts, *([self.organization.account] if self.organization else ())}
        )


class GcpEstate(_Strict):
    """The lab's organisation in Google Cloud, or single projects of it, and who looks at them.

    With an `organization` the whole tree below it is one realm, and a deny stands on the
    organisation; `projects` then narrows what is looked at. Without one, each project is a realm of
    its own. `service_account` is impersonated for what writes, `read_service_account` for all that
    only reads; empty means the worker's own (application default) credentials.
    `customer` is the lab's own Workspace or Cloud Identity directory, whose users are looked at.
    `access_token_from` names the variable that holds an access token instead of them. `api_root` is
    where all of Google's services answer; none means Google. `calls_per_second` bounds us per
    service, `deny_reads_per_minute` in reading deny policies, `generations_per_bucket` in looking
    at the access lists of objects, `resources_per_list` in listing what lies in one project or one
    of its resources, `files_per_drive` in looking through the `shared_drives`, which are named by
    their ids. `propagation` is in seconds.
    """

    organization: Annotated[str, AfterValidator(number)] | None = None
    projects: tuple[Annotated[str, AfterValidator(project_id)], ...] = ()
    customer: Annotated[str, AfterValidator(customer_id)] | None = None
    service_account: ServiceAccount = ""
    read_service_account: ServiceAccount = ""
    access_token_from: Annotated[str, AfterValidator(variable)] | None = None
    api_root: Annotated[str, AfterValidator(https_url)] | None = None
    calls_per_second: float = Field(default=8, gt=0, strict=True)
    deny_reads_per_minute: int = Field(default=5, gt=0, strict=True)
    generations_per_bucket: int = Field(default=20_000, gt=0, strict=True)
    shared_drives: tuple[Annotated[str, AfterValidator(drive_id)], ...] = ()
    files_per_drive: int = Field(default=100_000, gt=0, strict=True)
    resources_per_list: int = Field(default=2_000, gt=0, strict=True)
    propagation: float = Field(default=120, ge=0, strict=True)

    @property
    def realms(self) -> tuple[str, ...]:
        """The organisation, or each of the projects."""
        return (self.organization,) if self.organization else tuple(sorted(self.projects))


class Ledger(_Strict):
    """One ledger of what the lab owes: a database (`payables`), a platform at Stripe, or a system
    in which people act (`manual`).

    `mapping` is of a database whose tables are not stopline's own.

    `url_from` names the variable that holds a database's URL, `key_from` the one that holds a key
    of Stripe's: secrets stand in the worker's environment and not in a file. `platform` is the id
    of the lab's own account, to which the key must belong, and `live` says of which mode it is.
    `global_payouts` says whether payout intents are looked at. `api_url` is where Stripe's API is,
    if not at Stripe.

    `system` is what people call a manual one; `hold` and `release` say what a person does there.
    `payees` are whom it pays (none: anybody), `persons` whether people earn what it pays. After
    `escalate_hours` without a deed, or without its confirmation, responders are told.
    """

    name: str = ""
    rail: Literal["payables", "stripe", "manual"] = "payables"
    url_from: Annotated[str, AfterValidator(line)] = ""
    key_from: Annotated[str, AfterValidator(variable)] = ""
    platform: Annotated[str, AfterValidator(stripe_account)] = ""
    live: bool = Field(default=True, strict=True)
    global_payouts: bool = Field(default=True, strict=True)
    api_url: Annotated[str, AfterValidator(https_url)] = ""
    system: Annotated[str, AfterValidator(line)] = ""
    hold: str = ""
    release: str = ""
    payees: tuple[Annotated[str, AfterValidator(line)], ...] = ()
    persons: bool = Field(default=True, strict=True)
    escalate_hours: float = Field(default=24, gt=0, le=720, strict=True)
    mapping: LedgerMapping | None = None


class PayoutsEstate(_Strict):
    """The ledgers that the lab pays from, by the name that addresses carry."""

    ledgers: dict[Annotated[str, AfterValidator(word)], Ledger] = Field(min_length=1)


class Protected(_Strict):
    """What no plan may touch, by why; each kind is refused by its own guard.

    ARNs and principals of Google Cloud, in which `*` and `?` may stand.
    """

    orchestrator: tuple[Shielded, ...] = ()
    break_glass: tuple[Shielded, ...] = ()
    log_delivery: tuple[Shielded, ...] = ()
    journal: tuple[Shielded, ...] = ()


class Estate(_Strict):
    """All that belongs to the lab, by provider.

    `responders` may write to what is preserved for everybody else; they are protected from nothing.
    """

    aws: AwsEstate | None = None
    gcp: GcpEstate | None = None
    payouts: PayoutsEstate | None = None
    protected: Protected = Protected()
    responders: tuple[Arn, ...] = ()


class Reader(NamedTuple):
    """As what one realm is read. `apart` says that what writes is another role."""

    connector: str
    realm: str
    role: str
    apart: bool


def readers(estate: Estate) -> tuple[Reader, ...]:
    """As what each realm of an estate is read; no role means the worker's own credentials."""
    return (*_aws_readers(estate.aws), *_gcp_readers(estate.gcp))


def _aws_readers(aws: AwsEstate | None) -> Iterator[Reader]:
    if aws is None:
        return
    for account_, account in sorted(aws.accounts.items()):
        writes = account.role or aws.role
        reads = account.read_role or aws.read_role or writes
        yield Reader("aws", account_, reads, reads != writes)
    if (own := aws.organization) is not None:
        yield Reader("aws", own.id, own.read_role or own.role, bool(own.read_role))


def _gcp_readers(gcp: GcpEstate | None) -> Iterator[Reader]:
    if gcp is None:
        return
    reads = gcp.read_service_account or gcp.service_account
    for realm in gcp.realms:
        yield Reader("gcp", realm, reads, reads != gcp.service_account)


def left_out(estate: Estate) -> tuple[str, ...]:
    """What the estate's file keeps from being looked at, by connector; nothing where all is."""
    aws = estate.aws
    missing = [kind for kind in get_args(AwsResource) if aws and kind not in aws.resources]
    why = "which `aws.resources` of the estate's file leaves out"
    return (f"aws: {', '.join(missing)}, {why}",) if missing else ()


def parse_estate(text: str, file: str) -> Estate:
    """Read the estate's file. Raises ConfigError with every fault, as `file:line: fault`."""
    read = yamltext.read(text, file, Estate)
    return read.checked(_meaning(read.value))


def _meaning(estate: Estate) -> Iterator[tuple[yamltext.Path, str]]:
    for name, ledger in sorted(estate.payouts.ledgers.items() if estate.payouts else ()):
        at = ("payouts", "ledgers", name)
        for key, message in _rail_meaning(ledger):
            yield (*at, key), message
        for path, message in meaning(ledger.mapping) if ledger.mapping else ():
            yield (*at, "mapping", *path), message
    yield from _gcp_meaning(estate.gcp)
    aws = estate.aws
    if aws and aws.identity_center and aws.identity_center.account not in aws.accounts:
        yield ("aws", "identity_center", "account"), "must be one of 'aws.accounts'"
    if aws is None or len(aws.accounts) == 1 or aws.role:
        return
    without = [n for n, account in sorted(aws.accounts.items()) if not account.role]
    for number_ in without[1:]:
        what = f"the account {number_!r} has no role to assume"
        yield ("aws", "accounts", number_), f"{what}; only one may do without ({without[0]!r})"


def _gcp_meaning(gcp: GcpEstate | None) -> Iterator[tuple[yamltext.Path, str]]:
    if gcp is not None and not gcp.realms:
        yield ("gcp",), "give 'gcp' an 'organization', or 'projects'"
    if gcp and gcp.customer and not gcp.organization:
        what = "a 'customer' needs its 'organization': its users are in all of it"
        yield ("gcp", "customer"), what
    if gcp and gcp.shared_drives and not gcp.organization:
        yield ("gcp", "shared_drives"), "they are an organisation's: name its 'organization' too"


_OF_RAIL: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "payables": (("url_from",), ("mapping",)),
    "stripe": (("key_from", "platform"), ("api_url", "global_payouts", "live")),
    "manual": (("hold", "release", "system"), ("escalate_hours", "payees", "persons")),
}
"""What a ledger must have and may have, by its rail."""


def _rail_meaning(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """What a ledger of its rail lacks, and what means nothing there, by key."""
    told, (must, may) = ledger.model_fields_set, _OF_RAIL[ledger.rail]
    for key in must:
        if not getattr(ledger, key).strip():
            yield "rail", f"a ledger of the rail {ledger.rail!r} needs {key!r}"
    for key in sorted(told - {"name", "rail", *must, *may}):
        yield key, f"{key!r} means nothing for the rail {ledger.rail!r}"
