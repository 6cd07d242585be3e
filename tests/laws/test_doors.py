"""The laws of what is the vendor's in AWS beyond IAM: doors to roles, people, endpoints."""

from typing import Any

import pytest

from stopline.connectors.aws.anchors import of_profile
from stopline.connectors.aws.kinds import Where
from stopline.connectors.aws.policy import ANCHORS, EVERYBODY, POOLS, Door
from stopline.connectors.aws.pools import of_pool, whose
from stopline.connectors.aws.selection import Identity, Reach, Selected, select, vendors_of
from stopline.connectors.aws.shares import ENDPOINT_CONNECTIONS
from stopline.text import Json
from stopline.vendors import AwsSelectors

HERE, ELSEWHERE = "111122223333", "222233334444"
IDP = f"arn:aws:iam::{HERE}:saml-provider/mercor"
FILE = AwsSelectors(identity_providers=(IDP,), pool_users=("*@mercor.example",))
REACH = Reach(vendors_of(FILE), FILE, (), ())
THEIRS, LABS = "us-east-1:0a", "us-east-1:0b"
WHERE = Where(HERE, "us-east-1", "us-east-1_x:ann")


def role(name: str, token: str, *values: str, account: str = HERE) -> Identity:
    """A role that a service hands out, by some of its things; by any, where none is named."""
    kind = "Service" if token == ANCHORS else "Federated"
    key = "aws:SourceArn" if token == ANCHORS else f"{POOLS}:aud"
    said: dict[str, Json] = {"Effect": "Allow", "Principal": {kind: token}}
    said["Action"] = "sts:AssumeRole" if token == ANCHORS else "sts:AssumeRoleWithWebIdentity"
    if values:
        said["Condition"] = {"StringEquals": {key: [*values]}}
    arn = f"arn:aws:iam::{account}:role/{name}"
    return Identity("role", account, name, arn, "/", f"uid-{name}", {}, trust={"Statement": said})


def door(token: str, value: str, **words: Any) -> Door:
    """A thing that hands out roles."""
    return Door(token, value, f"door {value}", **words)


def selected(doors: tuple[Door, ...], *roles: Identity) -> dict[str, Selected]:
    """What is the vendor's, by name."""
    return {one.identity.name: one for one in select(roles, FILE, doors)}


@pytest.mark.parametrize("token", [ANCHORS, POOLS])
def test_a_role_behind_a_door_is_whose_the_door_is(token: str) -> None:
    """The vendor's alone; the lab's alone; or shared, and with whom is said."""
    doors = (door(token, THEIRS, theirs=True), door(token, LABS))
    found = selected(
        doors,
        role("theirs", token, THEIRS),
        role("labs", token, LABS),
        role("both", token, THEIRS, LABS),
    )
    assert set(found) == {"theirs", "both"}
    assert found["theirs"].shared_with == ()
    assert found["both"].shared_with == (f"door {LABS}",)


@pytest.mark.parametrize("pattern", ["us-east-1:*", "*", "us-east-1:0?"])
def test_trap_a_pattern_of_identity_pools_lets_in_strangers_pools_too(pattern: str) -> None:
    """Also where no other is known to us: whoever comes by one would be cut off."""
    doors = (door(POOLS, THEIRS, theirs=True),)
    found = selected(doors, role("wide", POOLS, pattern), role("theirs", POOLS, THEIRS))
    assert EVERYBODY in found["wide"].shared_with
    assert found["theirs"].shared_with == ()


def test_a_door_of_one_account_hands_out_no_role_of_another() -> None:
    """Of a trust anchor; a pool's token is good anywhere."""
    anchor = door(ANCHORS, THEIRS, account=HERE, theirs=True)
    roles = [role(n, ANCHORS, account=a) for n, a in (("here", HERE), ("there", ELSEWHERE))]
    assert set(selected((anchor,), *roles)) == {"here"}


def test_a_door_that_only_a_tag_calls_the_vendors_vouches_for_no_role() -> None:
    """Who may tag it could have a stranger's role cut off without another word."""
    tagged = door(POOLS, THEIRS, theirs=True, vouched=False)
    assert selected((tagged,), role("theirs", POOLS, THEIRS))["theirs"].vouched is False


def test_a_pool_in_which_others_come_in_is_not_the_vendors() -> None:
    """One provider of the vendor's among others makes it one way in, and no more."""
    alone: Json = {"SamlProviderARNs": [IDP]}
    other = f"arn:aws:iam::{HERE}:saml-provider/lab"
    assert of_pool(WHERE, alone, REACH)[0] is not None
    for more in (
        {"SamlProviderARNs": [IDP, other]},
        {**alone, "AllowUnauthenticatedIdentities": True},
        {**alone, "DeveloperProviderName": "login.lab"},
    ):
        assert of_pool(WHERE, more, REACH) == (None, IDP)


@pytest.mark.parametrize("account", [HERE, ELSEWHERE])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_a_user_pool_is_the_vendors_wherever_it_is(account: str, region: str) -> None:
    """An identity pool may take people of one in another region, or of another account."""
    arn = f"arn:aws:cognito-idp:{region}:{account}:userpool/{region}_x"
    named = AwsSelectors(identity_providers=(arn,))
    reach = Reach(vendors_of(named), named, (), ())

    def over(*pools: str) -> Json:
        users = [{"ProviderName": f"cognito-idp.{p[:-2]}.amazonaws.com/{p}"} for p in pools]
        return {"CognitoIdentityProviders": users}

    assert of_pool(WHERE, over(f"{region}_x"), reach)[0] is not None
    assert of_pool(WHERE, over(f"{region}_x", f"{region}_y"), reach) == (None, arn)
    assert of_pool(WHERE, over(f"{region}_y"), reach) == (None, "")


def test_a_pattern_of_user_pools_means_those_of_its_own_account() -> None:
    """All of the vendor's account are the vendor's, and none of the lab's for that."""
    page = {"CognitoIdentityProviders": [{"ProviderName": "cognito-idp.x/eu-west-1_x"}]}
    for account, theirs in ((HERE, True), (ELSEWHERE, False)):
        pattern = f"arn:aws:cognito-idp:eu-west-1:{account}:userpool/*"
        named = AwsSelectors(identity_providers=(pattern,))
        found, _ = of_pool(WHERE, page, Reach(vendors_of(named), named, (), ()))
        assert (found is not None) is theirs


def test_a_profile_with_a_role_of_others_in_it_is_not_the_vendors() -> None:
    """Switched off, others would lose it."""
    doors = (door(ANCHORS, THEIRS, theirs=True), door(ANCHORS, LABS))
    roles = role("theirs", ANCHORS, THEIRS), role("both", ANCHORS, THEIRS, LABS)
    reach = Reach(REACH.vendors, FILE, select(roles, FILE, doors), ())

    def page(*arns: str) -> Json:
        return {"profile": {"profileArn": "arn:aws:rolesanywhere:::profile/x", "roleArns": [*arns]}}

    assert of_profile(WHERE, page(roles[0].arn), reach) is not None
    assert of_profile(WHERE, page(roles[0].arn, roles[1].arn), reach) is None
    assert of_profile(WHERE, page(), reach) is None


@pytest.mark.parametrize("verified", ["true", "false"])
def test_an_address_that_nobody_verified_selects_and_does_not_vouch(verified: str) -> None:
    """Who signs up chooses it."""
    said = {"email": "ann@mercor.example", "email_verified": verified}
    page = {"Username": "ann", "UserAttributes": [{"Name": k, "Value": v} for k, v in said.items()]}
    theirs = whose(WHERE, page, REACH)
    assert theirs is not None
    assert theirs.vouched is (verified == "true")


@pytest.mark.parametrize(
    ("state", "let_in"),
    [("available", True), ("Pending", True), ("pendingAcceptance", False), ("rejected", False)],
)
def test_an_endpoint_that_was_never_let_in_is_not_taken_out(state: str, let_in: object) -> None:
    """A rollback would accept it."""
    page = {"VpcEndpointConnections": [{"VpcEndpointId": "v", "VpcEndpointState": state}]}
    assert len([*ENDPOINT_CONNECTIONS.entries(page)]) == (1 if let_in else 0)
