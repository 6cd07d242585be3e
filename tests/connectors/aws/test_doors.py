"""What hands out roles: identity pools of Cognito, whose roles are then the vendor's."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from support.aws import DATA, MERCER, RESEARCH, VENDOR, Cloud, answer, owners_client, trust
from support.aws_nights import AwsNight

from stopline.connectors.aws.claims import Place, let_past, of_statement
from stopline.connectors.aws.evaluating import Policies
from stopline.connectors.aws.policy import ANCHORS, POOLS
from stopline.estate import AwsAccount
from stopline.model import Gap, Plan, Scope
from stopline.text import Json
from stopline.vendors import Vendor

IDP = f"arn:aws:iam::{DATA}:saml-provider/mercor-idp"
LABS = f"arn:aws:iam::{DATA}:saml-provider/lab-idp"
WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("identity-pools",),
}
WEB = "sts:AssumeRoleWithWebIdentity"


def a_pool(cloud: Cloud, name: str, account: str = DATA, **words: Any) -> str:
    """An identity pool; returns its id."""
    client = owners_client(cloud.url, account, "cognito-identity")
    said = {"AllowUnauthenticatedIdentities": False, **words}
    return str(client.create_identity_pool(IdentityPoolName=name, **said)["IdentityPoolId"])


def a_role(cloud: Cloud, name: str, *pools: str, account: str = DATA) -> None:
    """A role that some pools may hand out; any in the world, where none is named."""
    condition = {"StringEquals": {f"{POOLS}:aud": [*pools]}} if pools else None
    cloud.role(name, trust({"Federated": POOLS}, condition, WEB), account=account)


def arn(pool: str) -> str:
    """A pool's ARN."""
    return f"arn:aws:cognito-identity:us-east-1:{DATA}:identitypool/{pool}"


def naming(*pools: str) -> Vendor:
    """The vendor, whose file names these pools."""
    named = tuple(map(arn, pools))
    return VENDOR.model_copy(
        update={"aws": VENDOR.aws.model_copy(update={"identity_providers": named})}
    )


def planned(cloud: Cloud, vendor: Vendor = VENDOR, **words: Any) -> Plan:
    """A plan of a pause that looks at identity pools."""
    return AwsNight(cloud.connector(**WORDS | words), vendor).plan()


def done(plan: Plan) -> dict[str, set[str]]:
    """What is done to which role."""
    found: dict[str, set[str]] = {}
    for change in plan.work:
        if change.address.kind.startswith(("role", "trust-policy")):
            name = change.address.id.partition("#")[0].partition("/")[0]
            found.setdefault(name, set()).add(change.address.kind)
    return found


# --- whose a pool is -----------------------------------------------------------------------------


def test_a_role_of_a_pool_that_the_file_names_is_the_vendors(cloud: Cloud) -> None:
    """The lab's pool and its role are not touched."""
    theirs, labs = a_pool(cloud, "labelling"), a_pool(cloud, "app")
    a_role(cloud, "labelling", theirs)
    a_role(cloud, "app", labs)
    assert done(planned(cloud, naming(theirs))) == {"labelling": {"role-attachment"}}


def test_a_pool_that_is_named_counts_where_nobody_looks(cloud: Cloud) -> None:
    """Its id is the end of its ARN, and stands in the role's trust."""
    a_role(cloud, "labelling", "eu-west-1:0a")
    vendor = naming("eu-west-1:0a")
    assert done(planned(cloud, vendor, resources=())) == {"labelling": {"role-attachment"}}


def test_a_pool_in_which_nobody_comes_but_over_the_vendors_provider_is_the_vendors(
    cloud: Cloud,
) -> None:
    """As much as the provider is."""
    theirs = a_pool(cloud, "labelling", SamlProviderARNs=[IDP])
    a_role(cloud, "labelling", theirs)
    assert done(planned(cloud)) == {"labelling": {"role-attachment"}}


def test_what_only_a_tag_selects_is_said_to_be_so(cloud: Cloud) -> None:
    """A role that is reached by it is no more than a tag's word; a look-alike's is nobody's."""
    theirs = a_pool(cloud, "labelling", IdentityPoolTags={"vendor": "mercor"})
    other = a_pool(cloud, "desk", IdentityPoolTags={"vendor": "mercer"})
    a_role(cloud, "labelling", theirs)
    a_role(cloud, "desk", other)
    plan = planned(cloud)
    assert done(plan) == {"labelling": {"role-attachment"}}
    assert {c.vouched for c in plan.work if c.address.kind == "role-attachment"} == {False}


@pytest.mark.parametrize(
    "also",
    [
        {"SamlProviderARNs": [IDP, LABS]},
        {"SamlProviderARNs": [IDP], "AllowUnauthenticatedIdentities": True},
        {"SamlProviderARNs": [IDP], "SupportedLoginProviders": {"accounts.google.com": "x"}},
        {"SamlProviderARNs": [IDP], "DeveloperProviderName": "login.lab"},
    ],
)
def test_trap_a_pool_that_others_come_in_by_too_leaves_its_roles_open_and_named(
    cloud: Cloud, also: Json
) -> None:
    """Nothing tells them apart: the lab's people are not cut off for the vendor's sake."""
    a_role(cloud, "both", a_pool(cloud, "both", **also))
    plan = planned(cloud)
    assert done(plan) == {}
    (skip,) = plan.skips
    assert skip.leaves_access
    assert IDP in skip.reason
    assert "by hand" in skip.reason


def test_a_pool_of_others_alone_is_nobodys(cloud: Cloud) -> None:
    """Neither found nor named."""
    a_role(cloud, "app", a_pool(cloud, "app", SamlProviderARNs=[LABS]))
    plan = planned(cloud)
    assert not plan.work
    assert not plan.skips


# --- roles ---------------------------------------------------------------------------------------


def test_a_role_that_the_labs_pool_hands_out_too_loses_only_the_vendors(cloud: Cloud) -> None:
    """A deny of that pool in its trust; given back, the trust is what it was."""
    theirs, labs = a_pool(cloud, "labelling"), a_pool(cloud, "app")
    a_role(cloud, "both", theirs, labs)
    night = AwsNight(cloud.connector(**WORDS), naming(theirs))
    plan = night.plan()
    (deny,) = (c for c in plan.work if c.address.part.endswith("Pool"))
    assert deny.after is not None
    said = deny.after.value
    assert (said["Principal"], said["Action"]) == ({"Federated": POOLS}, WEB)
    assert said["Condition"] == {"StringEquals": {f"{POOLS}:aud": [theirs]}}
    before = cloud.iam(DATA).get_role(RoleName="both")["Role"]["AssumeRolePolicyDocument"]
    night.carry_out(plan)
    held = [h.change for h in night.book.writes.holds()]
    observed = {d: night.aws.read(d) for d in {c.address.document for c in held}}
    assert not list(night.aws.unproved(night.vendor, held, observed))
    night.restore()
    after = cloud.iam(DATA).get_role(RoleName="both")["Role"]["AssumeRolePolicyDocument"]
    assert after == before


ROLE = f"arn:aws:iam::{DATA}:role/both"
DENIES: dict[str, Json] = {
    "pool": {
        "Principal": {"Federated": POOLS},
        "Action": WEB,
        "Condition": {"StringEquals": {f"{POOLS}:aud": ["us-east-1:0a"]}},
    },
    "anchor": {
        "Principal": {"Service": ANCHORS},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:SourceArn": ["arn:aws:rolesanywhere:::trust-anchor/0a"]}},
    },
}


@pytest.mark.parametrize("kind", DENIES)
def test_that_a_door_is_shut_is_evaluated_from_the_trust_as_it_is(kind: str) -> None:
    """With our deny in it nobody comes by that door; without, who does is said."""
    ours = {"Sid": "x", "Effect": "Deny", **DENIES[kind]}
    (operator,) = ours["Condition"]
    ((key, (value,)),) = ours["Condition"][operator].items()
    allow = {**ours, "Sid": "y", "Effect": "Allow", "Condition": {operator: {key: [value, "0b"]}}}
    place = Place(DATA, ROLE, ("sts:AssumeRole",))

    def past(*statements: Json) -> str:
        trusted = {"Version": "2012-10-17", "Statement": [*statements]}
        return let_past(of_statement(ours, trusted, place), Policies(resource=trusted))

    assert past(allow, ours) == ""
    assert "can still" in past(allow)
    other = {**ours, "Condition": {operator: {key: ["0b"]}}}
    assert "can still" in past(allow, other)


def test_a_pool_hands_out_roles_of_any_account(cloud: Cloud) -> None:
    """Unlike a trust anchor: who has a token of the pool's may ask for any role that names it."""
    theirs = a_pool(cloud, "labelling")
    a_role(cloud, "elsewhere", theirs, account=RESEARCH)
    accounts = {n: AwsAccount() for n in (DATA, RESEARCH)}
    assert "elsewhere" in done(planned(cloud, naming(theirs), accounts=accounts))


def test_pools_that_may_not_be_read_are_a_gap(cloud: Cloud) -> None:
    """Once for each account and region; what is named is found all the same."""

    def refuse(request: Any) -> AWSResponse | None:
        if "ListIdentityPools" not in str(request.headers.get("X-Amz-Target")):
            return None
        made = answer(400, json.dumps({"__type": "NotAuthorizedException", "message": "x"}))
        made.headers["Content-Type"] = "application/x-amz-json-1.1"
        return made

    theirs = a_pool(cloud, "labelling")
    a_role(cloud, "labelling", theirs)
    cloud.interfere = refuse
    found = list(cloud.connector(**WORDS).discover(naming(theirs), Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what == "identity-pools in us-east-1"
    assert any("role/labelling" in str(f) for f in found)


def test_a_look_alikes_account_is_not_looked_at_for_the_vendor(cloud: Cloud) -> None:
    """Pools are read in the estate's accounts alone."""
    a_pool(cloud, "mercor", MERCER)
    assert not planned(cloud).work
