"""App clients of the vendor's in user pools of Cognito: OAuth ends, and is given back.

The emulator keeps what is not sent, which Cognito sets to its default: what is sent is looked at.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from connectors.contract import ConnectorContract
from support.aws import DATA, VENDOR, Cloud, answer, body_of, owners_client
from support.aws_cli import parsed
from support.aws_grounds import BesideATopic, beside_a_topic
from support.aws_nights import AwsNight
from support.aws_shares import SWITCHES, Run, playbook

from stopline.connectors.aws.edited import FLAG, OAUTH, UNSENT
from stopline.estate import AwsAccount
from stopline.model import Document, Gap, Scope
from stopline.playbook import Playbook
from stopline.receipts import Cause, Outcome, Receipt
from stopline.text import Json, canonical
from stopline.vendors import Vendor

WORDS: dict[str, Any] = {
    "accounts": {DATA: AwsAccount(name="data")},
    "resources": ("sns-topics", "app-clients"),
}
PLAYBOOK = playbook(SWITCHES)
MACHINE: Json = {
    FLAG: True,
    "AllowedOAuthFlows": ["client_credentials"],
    "AllowedOAuthScopes": ["labels/write", "labels/read"],
    "AccessTokenValidity": 2,
    "TokenValidityUnits": {"AccessToken": "hours"},
    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
    "EnableTokenRevocation": True,
    "PreventUserExistenceErrors": "ENABLED",
}
APP: Json = {
    FLAG: True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid"],
    "CallbackURLs": ["https://b.mercor.example/", "https://a.mercor.example/"],
    "DefaultRedirectURI": "https://b.mercor.example/",
    "SupportedIdentityProviders": ["COGNITO"],
}


@dataclass
class Pool:
    """The owner's hands in one user pool, and in its clients by their names."""

    cloud: Cloud
    id: str = ""
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.id = self.idp.create_user_pool(PoolName="labelling")["UserPool"]["Id"]
        for name, words in (
            ("machine", MACHINE),
            ("app", APP),
            ("off", {**MACHINE, FLAG: False}),
            ("labs", MACHINE),
        ):
            self.make(name, words)

    @property
    def idp(self) -> Any:
        """The owner's client."""
        return owners_client(self.cloud.url, DATA, "cognito-idp")

    def make(self, name: str, words: Json) -> None:
        """One client."""
        made = self.idp.create_user_pool_client(
            UserPoolId=self.id, ClientName=name, GenerateSecret=True, **words
        )
        self.ids[name] = made["UserPoolClient"]["ClientId"]

    def shown(self, name: str) -> Json:
        """All that the pool shows of a client, its secret too."""
        words = {"UserPoolId": self.id, "ClientId": self.ids[name]}
        found: Json = self.idp.describe_user_pool_client(**words)["UserPoolClient"]
        return {k: v for k, v in found.items() if not k.endswith("Date")}

    def set(self, name: str, **words: Json) -> None:
        """A stranger sets something of a client."""
        self.idp.update_user_pool_client(UserPoolId=self.id, ClientId=self.ids[name], **words)

    def on(self) -> dict[str, bool]:
        """Which of them take part in OAuth."""
        return {name: bool(self.shown(name)[FLAG]) for name in self.ids}

    def vendor(self, *names: str) -> Vendor:
        """The vendor, whose file names some of them."""
        known = {"app_clients": tuple(self.ids[name] for name in names)}
        return VENDOR.model_copy(update={"aws": VENDOR.aws.model_copy(update=known)})


@dataclass(kw_only=True)
class Ground(BesideATopic):
    """Two clients of the vendor's that are on, one that is off, and one of the lab's; a topic."""

    pool: Pool
    playbook: Playbook = PLAYBOOK

    def picture(self) -> Json:
        """Every client but for when it was changed, and the topic's policy."""
        known = {name: canonical(_ordered(self.pool.shown(name))) for name in self.pool.ids}
        return {**known, "topic": self.policy()}

    def remove(self, document: Document) -> bool:
        """Delete a client."""
        if document == self.topic:
            return False
        id_ = document.id.rpartition(":")[2]
        self.pool.idp.delete_user_pool_client(UserPoolId=self.pool.id, ClientId=id_)
        self.pool.ids = {k: v for k, v in self.pool.ids.items() if v != id_}
        return True

    def edit(self, document: Document) -> bool:
        """Its owner changes how long a token lives."""
        if document == self.topic:
            return False
        self._set(document, AccessTokenValidity=7)
        return True

    def _set(self, document: Document, **words: Json) -> None:
        id_ = document.id.rpartition(":")[2]
        self.pool.set(next(k for k, v in self.pool.ids.items() if v == id_), **words)

    def edited(self, document: Document) -> bool:
        """Whether it still is as the owner wants it."""
        id_ = document.id.rpartition(":")[2]
        name = next(k for k, v in self.pool.ids.items() if v == id_)
        return self.pool.shown(name)["AccessTokenValidity"] == 7


def _ordered(shown: Json) -> Json:
    return {k: sorted(v) if isinstance(v, list) else v for k, v in shown.items()}


@pytest.fixture
def ground(cloud: Cloud) -> Ground:
    """As the vendor's file names them."""
    pool = Pool(cloud)
    vendor = pool.vendor("machine", "app", "off")
    return Ground(**beside_a_topic(cloud, WORDS), pool=pool, vendor=vendor)


@pytest.mark.night
class TestAppClients(ConnectorContract):
    """Clients of a pool; a topic bears our mark."""


@pytest.fixture
def night(ground: Ground) -> AwsNight:
    """A pause that looks at app clients alone."""
    words = {**WORDS, "resources": ("app-clients",)}
    return AwsNight(ground.cloud.connector(**words), ground.vendor, playbook=PLAYBOOK)


def outcomes(receipts: tuple[Receipt, ...]) -> list[Outcome]:
    """What became of each change."""
    return [receipt.outcome for receipt in receipts]


def sent(cloud: Cloud, operation: str) -> list[Json]:
    """What was sent by an operation."""
    name = f".{operation}"
    asked = [
        r for r in cloud.sent if str(r.headers.get("X-Amz-Target", b"")).strip("b'").endswith(name)
    ]
    return [json.loads(body_of(r)) for r in asked]


def test_oauth_of_the_vendors_clients_ends_and_nobody_elses(
    ground: Ground, night: AwsNight
) -> None:
    """One that had none before is given none; secrets stay, and are nowhere in plan or receipts."""
    before = ground.picture()
    plan = night.plan()
    assert all("Cognito's own page" in change.felt for change in plan.work)
    receipts = night.carry_out(plan)
    assert outcomes(receipts) == [Outcome.APPLIED] * 2
    assert ground.pool.on() == {"machine": False, "app": False, "off": False, "labs": True}
    assert not night.plan().work
    assert outcomes(night.restore()) == [Outcome.APPLIED] * 2
    assert ground.picture() == before
    told = repr((plan, receipts, night.book.writes.holds()))
    assert not [name for name in ground.pool.ids if ground.pool.shown(name)["ClientSecret"] in told]
    known = {ground.pool.ids[name] for name in ("machine", "app", "off")}
    assert {words["ClientId"] for words in sent(ground.cloud, "DescribeUserPoolClient")} == known


def test_all_but_oauth_is_sent_as_it_is_shown(ground: Ground, night: AwsNight) -> None:
    """What is not sent would be set to its default; what belongs to OAuth is given back with it."""
    shown = {ground.pool.ids[name]: ground.pool.shown(name) for name in ("machine", "app")}
    night.contain()
    night.restore()
    writes = sent(ground.cloud, "UpdateUserPoolClient")
    assert len(writes) == 4
    for words in writes:
        was = {k: v for k, v in shown[words["ClientId"]].items() if k not in UNSENT}
        kept = {k: v for k, v in was.items() if k not in (*OAUTH, FLAG)}
        assert {k: v for k, v in words.items() if k not in (*OAUTH, FLAG)} == kept
        if words[FLAG]:
            assert _ordered(words) == _ordered(was)
        else:
            assert not {*words} & {*OAUTH}


def test_every_setting_that_cognito_shows_and_takes_is_sent() -> None:
    """By AWS's own model: what it shows besides is no setting."""
    model = boto3.client("cognito-idp", region_name="us-east-1").meta.service_model
    takes = set(model.operation_model("UpdateUserPoolClient").input_shape.members)
    shows = set(model.shape_for("UserPoolClientType").members)
    assert shows - takes <= set(UNSENT)
    assert takes <= shows
    assert set(OAUTH) < takes


def described(ground: Ground, unknown: Json) -> Any:
    """Cognito shows a setting that the SDK's model does not know."""

    def interfere(request: Any) -> AWSResponse | None:
        if b"DescribeUserPoolClient" not in request.headers.get("X-Amz-Target", b""):
            return None
        id_ = json.loads(body_of(request))["ClientId"]
        name = next(k for k, v in ground.pool.ids.items() if v == id_)
        return answer(200, json.dumps({"UserPoolClient": {**ground.pool.shown(name), **unknown}}))

    return interfere


@pytest.mark.parametrize("unknown", [{"NewLock": True}, {"TokenValidityUnits": {"Newer": "days"}}])
def test_trap_a_client_with_a_setting_that_we_would_lose_is_left_to_a_person(
    ground: Ground, night: AwsNight, unknown: Json
) -> None:
    """At any depth; where it comes after the plan, nothing is written either."""
    plan = night.plan()
    ground.cloud.interfere = described(ground, unknown)
    assert {receipt.outcome for receipt in night.carry_out(plan)} == {Outcome.CONFLICT}
    assert not sent(ground.cloud, "UpdateUserPoolClient")
    later = night.plan()
    assert not later.work
    assert [skip.leaves_access for skip in later.skips] == [True, True]


def test_what_a_stranger_sets_meanwhile_stays(ground: Ground, night: AwsNight) -> None:
    """Besides OAuth, and in it where something stands there already."""
    night.contain()
    ground.pool.set("app", AccessTokenValidity=9, CallbackURLs=["https://c.mercor.example/"])
    night.restore()
    now = ground.pool.shown("app")
    assert (now["AccessTokenValidity"], now["CallbackURLs"]) == (9, ["https://c.mercor.example/"])
    assert now[FLAG]


def test_a_write_that_cognito_does_not_keep_is_told_by_name(
    ground: Ground, night: AwsNight
) -> None:
    """It was taken; what does not read back is in the receipt."""
    wanted = {"PreventUserExistenceErrors": "LEGACY"}
    writing = [False]

    def interfere(request: Any) -> AWSResponse | None:
        target = request.headers.get("X-Amz-Target", b"")
        writing[0] |= b"UpdateUserPoolClient" in target
        return described(ground, wanted)(request) if writing[0] else None

    ground.cloud.interfere = interfere
    receipts = night.contain()
    assert any("PreventUserExistenceErrors" in receipt.detail for receipt in receipts)
    assert all(receipt.cause is Cause.UNREACHABLE for receipt in receipts if receipt.detail)


def updated(ground: Ground, then: Callable[[], AWSResponse | None]) -> None:
    """The next update lands, as its owner would send it; then this happens, and no answer."""
    left = [then]

    def interfere(request: Any) -> AWSResponse | None:
        if not left or b"UpdateUserPoolClient" not in request.headers.get("X-Amz-Target", b""):
            return None
        words = json.loads(body_of(request))
        ground.pool.idp.update_user_pool_client(**words)
        return left.pop()()

    ground.cloud.interfere = interfere


def test_a_reply_that_is_lost_leaves_it_unproven_and_off(ground: Ground, night: AwsNight) -> None:
    """Cognito did it and answered 503: a person says whether it was us."""
    updated(ground, lambda: answer(503, json.dumps({"__type": "InternalErrorException"})))
    assert set(outcomes(night.contain())) == {Outcome.UNPROVEN, Outcome.APPLIED}
    assert ground.pool.on() == {"machine": False, "app": False, "off": False, "labs": True}


@pytest.mark.parametrize("back", [False, True])
def test_killed_after_a_write_the_next_attempt_ends_where_it_was_wanted(
    ground: Ground,
    night: AwsNight,
    back: bool,  # noqa: FBT001 - a case
) -> None:
    """The process is gone before the receipt; nobody else's client is touched."""

    def killed() -> None:
        raise KeyboardInterrupt

    before = ground.picture()
    if back:
        night.contain()
    updated(ground, killed)
    with pytest.raises(KeyboardInterrupt):
        night.restore() if back else night.contain()
    night.now += 600  # the lease of who was killed runs out
    night.restore() if back else night.contain()
    assert ground.pool.on() == {"machine": back, "app": back, "off": False, "labs": True}
    if back:
        assert ground.picture() == before


def test_all_clients_of_a_pool_of_the_vendors_are_its_own(ground: Ground) -> None:
    """Named by the pool's ARN; no pool is looked into for a vendor that has neither."""
    arn = f"arn:aws:cognito-idp:us-east-1:{DATA}:userpool/{ground.pool.id}"
    named = VENDOR.aws.model_copy(update={"identity_providers": (arn,)})
    words = {**WORDS, "resources": ("app-clients",)}
    connector = ground.cloud.connector(**words)
    theirs = AwsNight(connector, VENDOR.model_copy(update={"aws": named}), playbook=PLAYBOOK)
    assert len(theirs.plan().work) == 3
    ground.cloud.sent.clear()
    assert not AwsNight(connector, playbook=PLAYBOOK).plan().work
    assert not sent(ground.cloud, "ListUserPoolClients")


def test_what_may_not_be_read_is_a_gap(ground: Ground) -> None:
    """Of one client, and the others are looked at."""
    machine = ground.pool.ids["machine"]
    ground.cloud.interfere = lambda request: (
        answer(400, json.dumps({"__type": "NotAuthorizedException"}))
        if machine in body_of(request)
        else None
    )
    found = list(ground.connector.discover(ground.vendor, Scope()))
    (gap,) = (f for f in found if isinstance(f, Gap))
    assert gap.what == f"app-client us-east-1/{ground.pool.id}:{machine}"


def test_by_hand_the_client_is_read_changed_and_written(night: AwsNight, run_line: Run) -> None:
    """The secret is in no file, and OAuth comes back from what was recorded."""
    client = boto3.client("cognito-idp", region_name="us-east-1")
    recorded = {k: v for k, v in MACHINE.items() if k in (*OAUTH, FLAG)}
    shown = {"ClientId": "c", "ClientName": "machine", "UserPoolId": "p", **MACHINE}
    plain = {k: v for k, v in shown.items() if k not in OAUTH}
    ours = next(c for c in night.plan().work if c.before and "CallbackURLs" not in c.before.value)
    for change, now, wanted in (
        (ours, shown, {**plain, FLAG: False}),
        (ours.inverse(), {**plain, FLAG: False}, {**shown, **recorded}),
    ):
        *_, line = night.aws.commands(change.address.document, [change], None).lines
        shown_now = {"UserPoolClient": {**now, "ClientSecret": "hush"}}
        asked, made, kept = run_line(line, shown_now)
        assert asked[0].startswith("cognito-idp describe-user-pool-client")
        assert asked[1].startswith("cognito-idp update-user-pool-client")
        assert "hush" not in kept
        given, _, _ = parsed(client, "UpdateUserPoolClient", ["--cli-input-json", made])
        assert _ordered(given) == _ordered(wanted)
