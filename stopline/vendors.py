"""config/vendors/*.yaml as typed data. Pure: text in, `Vendor` or one ConfigError out.

Every fault names the file, the line, what is wrong and, for an unknown key, the nearest valid one.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from stopline import yamltext
from stopline.formats import (
    account_id,
    arn_or_glob,
    bucket,
    bucket_or_glob,
    canonical_id,
    customer_id,
    directory_user,
    domain,
    endpoint,
    external_id,
    google_bucket_or_glob,
    google_principal,
    iam_path,
    line,
    number,
    org_unit,
    pool,
    project_id,
    protected,
    word,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


S = TypeVar("S", bound=_Strict)


def _whole(sections: Sequence[S]) -> S:
    """Selectors that find whatever any of these finds; what is named twice is named once."""
    first, *_ = sections
    return first.model_copy(
        update={
            name: _union([getattr(section, name) for section in sections])
            for name in type(first).model_fields
        }
    )


def _union(values: Sequence[tuple[str, ...] | dict[str, tuple[str, ...]]]) -> object:
    """All entries, or all tags with all of their values, in the order in which they are named."""
    tags: dict[str, tuple[str, ...]] = {}
    entries: dict[str, None] = {}
    for value in values:
        if isinstance(value, dict):
            for key, named in value.items():
                tags[key] = tuple(dict.fromkeys((*tags.get(key, ()), *named)))
        else:
            entries |= dict.fromkeys(value)
    return tags if isinstance(values[0], dict) else tuple(entries)


Account = Annotated[str, AfterValidator(account_id)]
Arn = Annotated[str, AfterValidator(arn_or_glob)]
Line = Annotated[str, AfterValidator(line)]
Shielded = Annotated[str, AfterValidator(protected)]


def _several(values: object) -> object:
    return (values,) if isinstance(values, str) else values


Values = Annotated[
    tuple[Line, ...], BeforeValidator(_several, json_schema_input_type=Line | tuple[Line, ...])
]


class AwsSelectors(_Strict):
    """How the vendor is recognised in AWS. Never by a fragment of a name.

    `tags` can be written by whoever may tag a principal, so they select but do not vouch; any one
    of them does, and a tag may have several values.
    `directory_users` are people in IAM Identity Center, by their whole user name or e-mail address,
    or `*@` and the whole domain; `pool_users` the same in user pools of Cognito.
    `app_clients` are ids of app clients of such pools, `public_keys` of keys of CloudFront with
    which the vendor signs, `api_keys` of keys of API Gateway by which it is known. `endpoints` are
    where the lab's topics send to the vendor: a whole address, `*@` and a domain, or a URL's host;
    `own_buckets` are buckets of the vendor's, to which the lab's may send.
    `preserve` selects nobody: it names buckets that are frozen for everybody.
    """

    accounts: tuple[Account, ...] = ()
    external_ids: tuple[Annotated[str, AfterValidator(external_id)], ...] = ()
    paths: tuple[Annotated[str, AfterValidator(iam_path)], ...] = ()
    tags: dict[Line, Values] = Field(default_factory=dict)
    principals: tuple[Arn, ...] = ()
    canonical_ids: tuple[Annotated[str, AfterValidator(canonical_id)], ...] = ()
    identity_providers: tuple[Arn, ...] = ()
    directory_users: tuple[Annotated[str, AfterValidator(directory_user)], ...] = ()
    pool_users: tuple[Annotated[str, AfterValidator(directory_user)], ...] = ()
    app_clients: tuple[Line, ...] = ()
    public_keys: tuple[Line, ...] = ()
    api_keys: tuple[Line, ...] = ()
    endpoints: tuple[Annotated[str, AfterValidator(endpoint)], ...] = ()
    own_buckets: tuple[Annotated[str, AfterValidator(bucket)], ...] = ()
    preserve: tuple[Annotated[str, AfterValidator(bucket_or_glob)], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all can be selected."""
        return self == AwsSelectors(preserve=self.preserve)

    @property
    def tagged(self) -> tuple[tuple[str, str], ...]:
        """Each tag that selects, as key and value, in their order."""
        return tuple(sorted((key, one) for key, values in self.tags.items() for one in values))


GcpUnseen = Literal[
    "domain-wide-delegation", "resumable-uploads", "analytics-hub", "workspace-users"
]
"""What no API of Google's shows or closes; and users, where the estate names no directory."""


class GcpSelectors(_Strict):
    """How the vendor is recognised in Google Cloud. Never by a fragment of a name.

    `principals` are single identities, also service accounts of ours that were made for the vendor.
    `domains` select people and groups by the whole part after `@`; `customers` are the vendor's own
    directories, by which a deny can name everybody in them. `projects` and `project_numbers` are
    the vendor's own, whose service accounts and service agents are its; `pools` are identity pools
    that let in nobody but the vendor. `org_units` are units of the lab's own directory, by their
    whole path: whoever is in one, or in a unit below it, is the vendor's. `acknowledged` selects
    nobody: it names what no API shows and a person has looked at; what it does not name is a gap in
    every plan. `preserve` selects nobody either: it names buckets in which nothing is to be lost.
    """

    principals: tuple[Annotated[str, AfterValidator(google_principal)], ...] = ()
    domains: tuple[Annotated[str, AfterValidator(domain)], ...] = ()
    customers: tuple[Annotated[str, AfterValidator(customer_id)], ...] = ()
    projects: tuple[Annotated[str, AfterValidator(project_id)], ...] = ()
    project_numbers: tuple[Annotated[str, AfterValidator(number)], ...] = ()
    pools: tuple[Annotated[str, AfterValidator(pool)], ...] = ()
    org_units: tuple[Annotated[str, AfterValidator(org_unit)], ...] = ()
    acknowledged: tuple[GcpUnseen, ...] = ()
    preserve: tuple[Annotated[str, AfterValidator(google_bucket_or_glob)], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all can be selected."""
        return self == GcpSelectors(acknowledged=self.acknowledged, preserve=self.preserve)


class PayoutsSelectors(_Strict):
    """Who the vendor is in the lab's ledgers: exact ids, never a fragment of one.

    `vendors` selects the vendor as a payee, and everybody who is engaged through it. `companies`
    selects nobody: these are no natural persons, whom everybody else is taken for.
    """

    companies: tuple[Line, ...] = ()
    payees: tuple[Line, ...] = ()
    vendors: tuple[Line, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing at all can be selected."""
        return not (self.payees or self.vendors)


class VendorPayouts(PayoutsSelectors):
    """Who the vendor is in the lab's ledgers, and why earned pay of its people may be held.

    `legal_basis` is a sentence of counsel's; without one, no earned pay of a person is held.
    """

    legal_basis: str = ""


def _outermost(paths: Sequence[str]) -> Iterator[str]:
    """The paths that no other one holds; a policy has little room for what says the same."""
    for path in paths:
        if not any(path != other and path.startswith(other) for other in paths):
            yield path


class Project(_Strict):
    """A project of the vendor, with selectors of its own; a scope can name it."""

    note: str = ""
    aws: AwsSelectors = AwsSelectors()
    gcp: GcpSelectors = GcpSelectors()
    payouts: PayoutsSelectors = PayoutsSelectors()


class Vendor(_Strict):
    """One outside organisation, as the lab knows it. `vendor` is the name that a person types.

    `names` are other names by which people call it. `note` is for whoever is paged at night.
    """

    vendor: Annotated[str, AfterValidator(word)]
    names: tuple[Line, ...] = ()
    owner: str = ""
    note: str = ""
    aws: AwsSelectors = AwsSelectors()
    gcp: GcpSelectors = GcpSelectors()
    payouts: VendorPayouts = VendorPayouts()
    projects: dict[Annotated[str, AfterValidator(word)], Project] = Field(default_factory=dict)
    protected: tuple[Shielded, ...] = ()

    def aws_of(self, project: str = "") -> AwsSelectors:
        """The selectors of one project; without one those of the vendor and of every project.

        A pause of the whole vendor leaves in nobody whom only a project names.
        """
        if not project:
            found = _whole([self.aws, *(one.aws for one in self.projects.values())])
            return found.model_copy(update={"paths": tuple(_outermost(found.paths))})
        one = self.projects.get(project)
        return one.aws if one is not None else AwsSelectors()

    def gcp_of(self, project: str = "") -> GcpSelectors:
        """The same for Google Cloud."""
        if not project:
            return _whole([self.gcp, *(one.gcp for one in self.projects.values())])
        found = self.projects.get(project)
        return found.gcp if found is not None else GcpSelectors()

    @property
    def preserved(self) -> tuple[str, ...]:
        """Names and globs of buckets that are frozen for everybody, the projects' too."""
        return (*self.aws.preserve, *(p for o in self.projects.values() for p in o.aws.preserve))

    @property
    def preserved_in_google(self) -> tuple[str, ...]:
        """The same of buckets in Google Cloud."""
        return (*self.gcp.preserve, *(p for o in self.projects.values() for p in o.gcp.preserve))


_OF_NOBODY = ("acknowledged", "preserve")


def parse_vendor(text: str, file: str) -> Vendor:
    """Read one vendor's file. Raises ConfigError with every fault, as `file:line: fault`."""
    read = yamltext.read(text, file, Vendor)
    return read.checked(_meaning(read.value, read.stem))


def _meaning(vendor: Vendor, stem: str) -> Iterator[tuple[yamltext.Path, str]]:
    if vendor.vendor != stem:
        yield (
            ("vendor",),
            f"the vendor is {vendor.vendor!r}, so the file must be {vendor.vendor}.yaml",
        )
    sections: tuple[Vendor | Project, ...] = (vendor, *vendor.projects.values())
    if all(one.aws.empty and one.gcp.empty and one.payouts.empty for one in sections):
        keys = ", ".join(key for key in AwsSelectors.model_fields if key != "preserve")
        ids = ", ".join(key for key in PayoutsSelectors.model_fields if key != "companies")
        google = ", ".join(key for key in GcpSelectors.model_fields if key not in _OF_NOBODY)
        what = f"nothing selects {vendor.vendor!r}; give 'aws' at least one of: {keys}; "
        what += f"or 'gcp' at least one of: {google}; "
        yield ("vendor",), f"{what}or 'payouts' at least one of: {ids}"
    selected = {p for one in sections for p in (*one.aws.principals, *one.gcp.principals)}
    for place, who in enumerate(vendor.protected):
        if who in selected:
            yield (("protected", place), f"{who} is both selected ('principals') and protected")
