"""People of the vendor's in user pools of Cognito: switched off and on, and nobody else.

The emulator does not refuse a user that is switched off, nor end what was given to it: that is
AWS's own. What is sent to it, and what it then shows, is held to here.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
import urllib3
from botocore.awsrequest import AWSResponse
from connectors.contract import ConnectorContract
from support.aws import DATA, VENDOR, Cloud, answer, owners_client
from support.aws_grounds import ESTATE, BesideATopic, beside_a_topic
from support.aws_nights import AwsNight
from support.aws_shares import SWITCHES, playbook

from stopline.connectors.aws.kinds import Where
from stopline.connectors.aws.pools import whose
from stopline.connectors.aws.selection import Reach, vendors_of
from stopline.estate import AwsAccount
from stopline.guards import Bounds, guard
from stopline.model import Counted, Document, Plan, Scope
from stopline.planner import snapshot_of
from stopline.playbook import Limits, Playbook
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "pool-users"),
}
PLAYBOOK = playbook(SWITCHES)
PEOPLE: Vendor = VENDOR.model_copy(
    update={"aws": VENDOR.aws.model_copy(update={"pool_users": ("*@mercor.example", "pilot")})}
)
SIGN_OUT, OFF = "AdminUserGlobalSignOut", "AdminDisableUser"


@dataclass
class Pool:
    """The owner's hands in one user pool."""

    cloud: Cloud
    id: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = self.idp.create_user_pool(PoolName="labelling")["UserPool"]["Id"]

    @property
    def idp(self) -> Any:
        """The owner's client."""
        return owners_client(self.cloud.url, DATA, "cognito-idp")

    def person(self, name: str, mail: str = "", *, verified: bool = True, on: bool = True) -> str:
        """A user; returns its document's id."""
        said = {"email": mail, "email_verified": str(verified).lower()} if mail else {}
        words = {"UserPoolId": self.id, "Username": name}
        attributes = [{"Name": k, "Value": v} for k, v in said.items()]
        self.idp.admin_create_user(**words, UserAttributes=attributes)
        if not on:
            self.idp.admin_disable_user(**words)
        return name

    def switch(self, name: str, *, on: bool) -> None:
        """Switch a user."""
        words = {"UserPoolId": self.id, "Username": name}
        (self.idp.admin_enable_user if on else self.idp.admin_disable_user)(**words)

    def on(self) -> dict[str, bool]:
        """Who is switched on, of all."""
        found = self.idp.list_users(UserPoolId=self.id)["Users"]
        return {user["Username"]: bool(user["Enabled"]) for user in found}

    def picture(self) -> Json:
        """All that the pool shows of its users, but for when they were changed."""
        found = self.idp.list_users(UserPoolId=self.id)["Users"]
        return [{k: v for k, v in u.items() if k != "UserLastModifiedDate"} for u in found]


@dataclass(kw_only=True)
class PoolGround(BesideATopic):
    """One pool with people of the vendor's, of a look-alike's and of the lab's; and a topic."""

    pool: Pool
    vendor: Vendor = PEOPLE
    playbook: Playbook = PLAYBOOK

    def picture(self) -> Json:
        """The pool, and the topic's policy."""
        return {"users": self.pool.picture(), "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Delete a user."""
        if document == self.topic:
            return False
        name = document.id.rpartition(":")[2]
        self.pool.idp.admin_delete_user(UserPoolId=self.pool.id, Username=name)
        return True


@pytest.fixture
def pool(cloud: Cloud) -> Pool:
    """A pool without anybody in it."""
    return Pool(cloud)


@pytest.fixture
def ground(cloud: Cloud, pool: Pool) -> PoolGround:
    """Whom the vendor's file names, by address and by name; others; and one who is off."""
    pool.person("ann", "ann@mercor.example")
    pool.person("pilot")
    pool.person("bo", "bo@mercer.example")
    pool.person("dana", "dana@lab.example")
    pool.person("gone", "gone@mercor.example", on=False)
    return PoolGround(**beside_a_topic(cloud, WORDS), pool=pool)


@pytest.mark.night
class TestPools(ConnectorContract):
    """Users of a pool; a topic bears our mark."""


def a_night(cloud: Cloud, vendor: Vendor = PEOPLE, **words: Any) -> AwsNight:
    """A pause that looks at user pools."""
    return AwsNight(cloud.connector(**WORDS | words), vendor, playbook=PLAYBOOK)


def named(plan: Plan) -> dict[str, bool]:
    """Whom a plan switches off, and whether that is vouched for."""
    users = (c for c in plan.work if c.address.kind == "pool-user")
    return {c.address.id.rpartition(":")[2]: c.vouched for c in users}


def outcomes(receipts: tuple[Receipt, ...]) -> set[Outcome]:
    """What became of all changes."""
    return {receipt.outcome for receipt in receipts}


def sent(cloud: Cloud, *operations: str) -> list[str]:
    """Of these operations, those that were sent, in their order."""
    asked = [str(r.headers.get("X-Amz-Target", b"")) for r in cloud.sent]
    return [name for a in asked for name in operations if a.rstrip("'").endswith(f".{name}")]


# --- who ------------------------------------------------------------------------------------------


def test_the_vendors_people_are_switched_off_and_on_and_nobody_else_is(ground: PoolGround) -> None:
    """A look-alike's and the lab's go on; one who was off before stays off."""
    night, before = a_night(ground.cloud), ground.picture()
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    on = {name for name, on in ground.pool.on().items() if on}
    assert on == {"bo", "dana"}
    assert not night.plan().work
    assert outcomes(night.restore()) == {Outcome.APPLIED}
    assert ground.picture() == before


def test_each_is_signed_out_before_it_is_switched_off(ground: PoolGround) -> None:
    """Afterwards its refresh tokens would live again with it; given back, nobody is signed out."""
    night = a_night(ground.cloud)
    night.contain()
    assert sent(ground.cloud, SIGN_OUT, OFF) == [SIGN_OUT, OFF] * 2
    night.restore()
    assert sent(ground.cloud, SIGN_OUT) == [SIGN_OUT] * 2


def test_an_address_that_nobody_has_verified_does_not_vouch(cloud: Cloud, pool: Pool) -> None:
    """Who signs up chooses the name and the address."""
    pool.person("ann", "ann@mercor.example")
    pool.person("joe", "joe@mercor.example", verified=False)
    pool.person("pilot")
    assert named(a_night(cloud).plan()) == {"ann": True, "joe": False, "pilot": False}


@pytest.mark.parametrize(
    "mail",
    ["x@not-mercor.example", "x@mercor.example.net", "x@sub.mercor.example", "mercor.example@lab"],
)
def test_trap_nobody_is_told_by_a_part_of_an_address(mail: str) -> None:
    """The whole of it, or the whole domain."""
    where = Where(DATA, "us-east-1", "us-east-1_x:u")
    page = {
        "Username": "pilot-2",
        "UserAttributes": [
            {"Name": "email", "Value": mail},
            {"Name": "email_verified", "Value": "true"},
        ],
    }
    reach = Reach(vendors_of(PEOPLE.aws), PEOPLE.aws, (), ())
    assert whose(where, page, reach) is None


def test_everybody_in_a_pool_that_is_the_vendors_is_the_vendors(cloud: Cloud, pool: Pool) -> None:
    """The file names the pool, as an identity provider; another pool is not even looked into."""
    pool.person("dana", "dana@lab.example")
    other = Pool(cloud)
    other.person("eve", "eve@lab.example")
    arn = f"arn:aws:cognito-idp:us-east-1:{DATA}:userpool/{pool.id}"
    selectors = VENDOR.aws.model_copy(update={"identity_providers": (arn,)})
    assert named(a_night(cloud, VENDOR.model_copy(update={"aws": selectors})).plan()) == {
        "dana": True
    }
    assert len(sent(cloud, "ListUsers")) == 1


@pytest.mark.parametrize(
    ("end", "counted"),
    [(f"{DATA}:userpool/{{id}}", 0), ("*:userpool/{id}", 0), (f"{DATA}:userpool/*", 2)],
)
def test_a_pool_that_is_named_as_the_vendors_has_no_share_to_be_large(
    cloud: Cloud, pool: Pool, end: str, counted: int
) -> None:
    """All in it are the vendor's, as they should be. What only a pattern names may be too wide."""
    for name in ("dana", "eve"):
        pool.person(name)
    arn = f"arn:aws:cognito-idp:us-east-1:{end.format(id=pool.id)}"
    selectors = VENDOR.aws.model_copy(update={"identity_providers": (arn,)})
    night = a_night(cloud, VENDOR.model_copy(update={"aws": selectors}))
    found = list(night.aws.discover(night.vendor, Scope()))
    assert [f.number for f in found if isinstance(f, Counted) if f.kind == "pool-user"] == [counted]
    snapshot = snapshot_of("mercor", found, "")
    assert len(named(night.plan())) == 2
    told = guard(night.plan(), snapshot, Bounds(ESTATE, Limits(share=0.5, share_from=2)))
    assert ("too-large-a-share" in {finding.guard for finding in told}) is bool(counted)


def test_where_people_are_named_too_all_that_is_looked_at_counts(cloud: Cloud, pool: Pool) -> None:
    """Of a pool among others it is a share again."""
    pool.person("dana")
    Pool(cloud).person("eve")
    arn = f"arn:aws:cognito-idp:us-east-1:{DATA}:userpool/{pool.id}"
    selectors = PEOPLE.aws.model_copy(update={"identity_providers": (arn,)})
    found = cloud.connector(**WORDS).discover(PEOPLE.model_copy(update={"aws": selectors}), Scope())
    assert [f.number for f in found if isinstance(f, Counted) if f.kind == "pool-user"] == [2]


def test_a_file_that_names_nobody_costs_a_list_of_pools(ground: PoolGround) -> None:
    """No user is read for a vendor that has none."""
    found = list(ground.connector.discover(VENDOR, Scope()))
    counted = {f.kind: f.number for f in found if isinstance(f, Counted)}
    assert counted["pool-user"] == 0
    assert not sent(ground.cloud, "ListUsers", "AdminGetUser")


def test_all_pages_are_read_and_nobody_one_by_one(cloud: Cloud, pool: Pool) -> None:
    """A page holds sixty; the list says all that is wanted."""
    for number in range(61):
        pool.person(f"u{number}", f"u{number}@mercor.example")
    assert len(named(a_night(cloud).plan())) == 61
    assert len(sent(cloud, "ListUsers")) == len(("sixty", "one"))
    assert not sent(cloud, "AdminGetUser")


@pytest.mark.parametrize("name", ["a#b", "a:b", "a/b", "éa", "ann@mercor.example", "a%23b", "a b"])
def test_trap_a_name_that_means_something_in_an_address_is_quoted(
    cloud: Cloud, pool: Pool, name: str
) -> None:
    """Whoever signs up chooses it: another user is never switched off in its place."""
    pool.person(name, "x@mercor.example")
    pool.person(name[:1], "dana@lab.example")
    night = a_night(cloud)
    assert outcomes(night.contain()) == {Outcome.APPLIED}
    assert pool.on() == {name: False, name[:1]: True}
    night.restore()
    assert pool.on() == {name: True, name[:1]: True}


# --- what may go wrong ---------------------------------------------------------------------------


def test_trap_a_user_of_the_same_name_is_another_one(cloud: Cloud, pool: Pool) -> None:
    """Deleted and made anew while the pause lasts: a rollback does not switch it on."""
    pool.person("ann", "ann@mercor.example")
    night = a_night(cloud)
    night.contain()
    pool.idp.admin_delete_user(UserPoolId=pool.id, Username="ann")
    pool.person("ann", "ann@lab.example", on=False)
    (receipt,) = night.restore()
    assert (receipt.outcome, receipt.cause) == (Outcome.CONFLICT, Cause.RECREATED)
    assert pool.on() == {"ann": False}


def test_who_is_switched_on_meanwhile_is_switched_off_and_on_once(cloud: Cloud, pool: Pool) -> None:
    """An admin of the app's helps a person in: the next sweep sees it."""
    pool.person("ann", "ann@mercor.example")
    night = a_night(cloud)
    night.contain()
    pool.switch("ann", on=True)
    night.contain()
    assert pool.on() == {"ann": False}
    night.restore()
    assert pool.on() == {"ann": True}


def fault(operation: str, status: int, code: str, cloud: Cloud, *, done: bool = False) -> None:
    """Answer one call of an operation so, after it was done or in its place; then no other."""
    left = [True]

    def interfere(request: Any) -> AWSResponse | None:
        if not (left and str(request.headers.get("X-Amz-Target")).rstrip("'").endswith(operation)):
            return None
        left.clear()
        if done:
            headers = dict(request.headers.items())
            urllib3.request(request.method, request.url, body=request.body, headers=headers)
        made = answer(status, json.dumps({"__type": code, "message": "as the test wants it"}))
        made.headers["Content-Type"] = "application/x-amz-json-1.1"
        return made

    cloud.interfere = interfere


@pytest.fixture
def alone(cloud: Cloud, pool: Pool) -> AwsNight:
    """A pause of one user."""
    pool.person("ann", "ann@mercor.example")
    return a_night(cloud)


def test_a_throttled_call_is_sent_again(alone: AwsNight, cloud: Cloud, pool: Pool) -> None:
    """429: nothing happened, so nothing is unproven."""
    fault(SIGN_OUT, 429, "TooManyRequestsException", cloud)
    assert outcomes(alone.contain()) == {Outcome.APPLIED}
    assert pool.on() == {"ann": False}
    assert outcomes(alone.restore()) == {Outcome.APPLIED}


def test_a_call_that_is_throttled_after_the_signing_out_is_failed_and_done_by_the_next_sweep(
    alone: AwsNight, cloud: Cloud, pool: Pool
) -> None:
    """One write of two calls: the first landed, so nobody says that nothing did."""
    fault(OFF, 429, "TooManyRequestsException", cloud)
    assert outcomes(alone.contain()) == {Outcome.FAILED}
    assert outcomes(alone.contain()) == {Outcome.APPLIED}
    assert pool.on() == {"ann": False}


def test_a_reply_that_is_lost_leaves_it_unproven_and_off(
    alone: AwsNight, cloud: Cloud, pool: Pool
) -> None:
    """Cognito did it and answered 503: a person says whether it was us."""
    fault(OFF, 503, "InternalErrorException", cloud, done=True)
    assert outcomes(alone.contain()) == {Outcome.UNPROVEN}
    assert pool.on() == {"ann": False}


def test_where_nobody_could_be_signed_out_nobody_is_switched_off_and_the_next_sweep_does_both(
    alone: AwsNight, cloud: Cloud, pool: Pool
) -> None:
    """503 before anything happened: failed, and not claimed to be done."""
    fault(SIGN_OUT, 503, "InternalErrorException", cloud)
    assert outcomes(alone.contain()) == {Outcome.FAILED}
    assert pool.on() == {"ann": True}
    assert outcomes(alone.contain()) == {Outcome.APPLIED}
    assert pool.on() == {"ann": False}


def test_a_right_that_is_missing_is_said(alone: AwsNight, cloud: Cloud) -> None:
    """Cognito calls it so."""
    fault(SIGN_OUT, 400, "NotAuthorizedException", cloud)
    (receipt,) = alone.contain()
    assert (receipt.outcome, receipt.cause) == (Outcome.FAILED, Cause.DENIED)


def test_by_hand_the_same_calls_are_made(alone: AwsNight, pool: Pool) -> None:
    """Signed out and off; on again, and nothing else."""
    (change,) = alone.plan().work
    words = f"--user-pool-id {pool.id} --username ann --region us-east-1 > /dev/null"
    lines = [alone.aws.commands(change.address.document, [c], None).lines for c in _both(change)]
    assert [*lines[0]] == [
        f"aws cognito-idp admin-user-global-sign-out {words}",
        f"aws cognito-idp admin-disable-user {words}",
    ]
    assert [*lines[1]] == [f"aws cognito-idp admin-enable-user {words}"]


def _both(change: Any) -> tuple[Any, Any]:
    """There and back."""
    return change, change.inverse()
