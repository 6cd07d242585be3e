"""How AWS is called: what is sent how often, how fast, by whom, and what its answers mean."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from botocore import exceptions as b
from botocore.retries.standard import ExponentialBackoff
from support.answers import Answers, Reply, answering
from support.aws import (
    DATA,
    RESEARCH,
    ROLE,
    VENDOR,
    Cloud,
    a_session,
    environment,
    error_text,
    estate,
)
from support.journals import a_book

from stopline.connectors.aws import AwsConnector, clients
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.faults import translated
from stopline.engine import PATIENCE, Errand, apply
from stopline.errors import ConnectorError
from stopline.model import Address, Breadth, Change, Direction, Document, Gap, Scope, State
from stopline.receipts import Cause, Outcome

KEY = Document("aws", RESEARCH, "access-key", "annotator/AKIAEXAMPLE000000001")
SWITCH_OFF = Change(
    Address(KEY.connector, KEY.realm, KEY.kind, KEY.id),
    State.of({"Status": "Active"}),
    State.of({"Status": "Inactive"}),
    "keys",
    Breadth.NARROW,
)
KEYS = """<ListAccessKeysResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<ListAccessKeysResult><IsTruncated>false</IsTruncated><AccessKeyMetadata><member>
<UserName>annotator</UserName><AccessKeyId>AKIAEXAMPLE000000001</AccessKeyId>
<Status>Active</Status></member></AccessKeyMetadata></ListAccessKeysResult>
</ListAccessKeysResponse>"""
DONE = "<R xmlns='https://iam.amazonaws.com/doc/2010-05-08/'/>"
THROTTLED = 400, error_text("Throttling", "Rate exceeded")
BROKEN = 503, error_text("ServiceUnavailable")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own waits between attempts, which are up to twenty seconds, take none here."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@contextmanager
def asking(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> Iterator[tuple[Answers, AwsConnector]]:
    """A connector whose calls are answered by the test."""
    with answering(reply) as answers:
        environment(monkeypatch, answers.url)
        yield answers, AwsConnector(Clients(estate(), a_session), 0.0)


# --- retries -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "cause"), [(BROKEN, Cause.UNREACHABLE),
                                               (THROTTLED, Cause.THROTTLED)])  # fmt: skip
def test_a_read_is_asked_five_times_and_no_more(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], cause: Cause
) -> None:
    """The SDK's retries are the only ones of a read, and there are no others around them."""
    with asking(monkeypatch, lambda _: answer) as (answers, aws):
        with pytest.raises(ConnectorError) as caught:
            aws.read(KEY)
        assert caught.value.cause is cause
        assert caught.value.landed is False
        assert answers.actions() == ["ListAccessKeys"] * 5


def test_a_read_that_is_throttled_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked again until it is answered; nothing is shown of it."""
    said = iter([THROTTLED, BROKEN, THROTTLED, (200, KEYS)])
    with asking(monkeypatch, lambda _: next(said)) as (answers, aws):
        assert aws.read(KEY).states[SWITCH_OFF.address] == SWITCH_OFF.before
        assert len(answers.asked) == 4


@pytest.mark.parametrize(
    ("answer", "cause", "landed"),
    [
        (BROKEN, Cause.UNREACHABLE, None),
        ((500, error_text("InternalError")), Cause.UNREACHABLE, None),
        (None, Cause.UNREACHABLE, None),
        (THROTTLED, Cause.THROTTLED, False),
        ((403, error_text("AccessDenied")), Cause.DENIED, False),
    ],
)
def test_a_write_is_sent_once(
    monkeypatch: pytest.MonkeyPatch,
    answer: tuple[int, str] | None,
    cause: Cause,
    landed: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    """A second send could land after somebody has taken the document over: the engine reads."""
    with asking(monkeypatch, lambda a: (200, KEYS) if a.action.startswith("List") else answer) as (
        answers,
        aws,
    ):
        seen = aws.read(KEY)
        with pytest.raises(ConnectorError) as caught:
            aws.write(seen, [SWITCH_OFF], None, "token")
        assert (caught.value.cause, caught.value.landed) == (cause, landed)
        assert answers.actions() == ["ListAccessKeys", "UpdateAccessKey"]


def carried_out(aws: AwsConnector, slept: list[float]) -> Outcome:
    """One change through the whole write path, with a journal of its own."""
    book = a_book("sqlite://")
    errand = Errand("0000000a", Direction.CONTAIN, "attempt", "token")
    (receipts,) = apply(aws, book.writes, errand, [SWITCH_OFF], sleep=slept.append)
    return receipts[0].outcome


def test_a_throttled_write_is_slowed_down_and_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Throttling slows and never fails a target: each try waits longer than the one before."""
    said = iter([THROTTLED] * len(PATIENCE) + [(200, DONE)])
    with asking(monkeypatch, lambda a: (200, KEYS) if a.action[0] == "L" else next(said)) as (
        answers,
        aws,
    ):
        slept: list[float] = []
        assert carried_out(aws, slept) is Outcome.APPLIED
        assert slept == list(PATIENCE)
        assert answers.actions().count("UpdateAccessKey") == len(PATIENCE) + 1


def test_retries_do_not_multiply(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is throttled for ever is sent once for each wait, with one read before each."""
    with asking(monkeypatch, lambda a: (200, KEYS) if a.action[0] == "L" else THROTTLED) as (
        answers,
        aws,
    ):
        slept: list[float] = []
        assert carried_out(aws, slept) is Outcome.FAILED
        assert slept == list(PATIENCE)
        assert answers.actions() == ["ListAccessKeys", "UpdateAccessKey"] * (len(PATIENCE) + 1)


def test_a_lost_reply_is_settled_by_reading_not_by_sending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody can say whether a key's switch was ours: it is unproven, and was sent once."""
    off = KEYS.replace(">Active<", ">Inactive<")
    sent: list[str] = []

    def reply(asked: object) -> tuple[int, str] | None:
        if getattr(asked, "action", "") == "UpdateAccessKey":
            sent.append("once")
            return None
        return 200, off if sent else KEYS

    with asking(monkeypatch, reply) as (answers, aws):
        assert carried_out(aws, []) is Outcome.UNPROVEN
        assert answers.actions() == ["ListAccessKeys", "UpdateAccessKey", "ListAccessKeys"]


def test_an_account_without_its_role_stops_no_other(cloud: Cloud) -> None:
    """The one that cannot be assumed is a gap; the other is read."""
    cloud.user("annotator", account=DATA)
    cloud.closed.add(RESEARCH)
    found = list(cloud.connector().discover(VENDOR, Scope()))
    gaps = [f for f in found if isinstance(f, Gap)]
    assert {g.realm for g in gaps} == {RESEARCH}
    assert "AccessDenied" in gaps[0].cause
    assert any(getattr(f, "principal", "").endswith("annotator") for f in found)


# --- clients -----------------------------------------------------------------------------------


def test_threads_share_clients_and_one_assumed_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen threads at once: one client for reading, one session, the role assumed once."""
    with asking(monkeypatch, lambda _: (200, KEYS)) as (answers, aws):
        barrier = threading.Barrier(16)

        def ask(_: int) -> int:
            barrier.wait(30)
            aws.read(KEY)
            return id(aws.clients.reading(RESEARCH, "iam"))

        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(ask, range(16)))) == 1
        assert [a.word("RoleArn") for a in answers.assumed] == [
            f"arn:aws:iam::{RESEARCH}:role/{ROLE}"
        ]
        assert aws.calls == len(answers.asked) == 16


def test_the_external_id_goes_with_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """The estate's external id is sent when a role is assumed, so that AWS can hold us to it."""
    with answering(lambda _: (200, KEYS)) as answers:
        environment(monkeypatch, answers.url)
        clients = Clients(estate(external_id="stopline-1"), a_session)
        clients.ask(RESEARCH, "iam", "list_access_keys", UserName="annotator")
        assert [a.word("ExternalId") for a in answers.assumed] == ["stopline-1"]
        assert not answers.asked[0].word("ExternalId")


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials at all is a typed cause and a sentence, not an attribute of None."""
    with asking(monkeypatch, lambda _: (200, KEYS)) as (_, aws):
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
        with pytest.raises(ConnectorError) as caught:
            aws.read(KEY)
        assert caught.value.cause is Cause.CREDENTIALS
        assert "credentials" in caught.value.detail


# --- the rate ----------------------------------------------------------------------------------


def test_a_write_whose_credentials_take_too_long_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Assuming a role is tried three times; what comes of it late is not sent at all."""
    monkeypatch.setattr(clients, "WAIT_SECONDS", 0.2)
    with asking(monkeypatch, lambda _: (200, DONE)) as (answers, aws):
        made = aws.clients.writing(RESEARCH, "iam")
        made.meta.events.register("before-sign.*.*", lambda **_: time.sleep(0.3))
        with pytest.raises(ConnectorError, match="not sent") as caught:
            aws.clients.do(RESEARCH, "iam", "delete_access_key", AccessKeyId="AKIAEXAMPLE000000001")
        assert (caught.value.cause, caught.value.landed) == (Cause.THROTTLED, False)
        assert answers.actions() == []


def test_a_write_that_reads_for_too_long_before_it_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The lease was checked when it began; what follows a call that AWS took is sent."""
    monkeypatch.setattr(clients, "WAIT_SECONDS", 0.2)
    with asking(monkeypatch, lambda _: (200, DONE)) as (answers, aws):
        key = {"AccessKeyId": "AKIAEXAMPLE000000001"}

        def late() -> None:
            with aws.clients.one_write():
                time.sleep(0.3)
                aws.clients.do(RESEARCH, "iam", "delete_access_key", **key)

        with pytest.raises(ConnectorError, match="not sent") as caught:
            late()
        assert (caught.value.cause, caught.value.landed) == (Cause.THROTTLED, False)
        assert answers.actions() == []
        with aws.clients.one_write():
            aws.clients.do(RESEARCH, "iam", "delete_access_key", **key)
            time.sleep(0.3)
            aws.clients.do(RESEARCH, "iam", "delete_access_key", **key)
        aws.clients.do(RESEARCH, "iam", "delete_access_key", **key)
        assert len(answers.actions()) == 3


def test_each_account_and_service_has_a_rate_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and writing of one account share one; another account is not slowed by it."""
    with asking(monkeypatch, lambda _: (200, KEYS)) as (_, aws):
        for account in (RESEARCH, DATA):
            aws.clients.reading(account, "iam")
            aws.clients.writing(account, "iam")
        assert len(aws.clients._rates) == 2


# --- what an answer means ----------------------------------------------------------------------

CODES = {
    "Throttling": (400, Cause.THROTTLED, False),
    "ThrottlingException": (400, Cause.THROTTLED, False),
    "RequestLimitExceeded": (503, Cause.THROTTLED, False),
    "SlowDown": (503, Cause.THROTTLED, False),
    "TooManyRequestsException": (429, Cause.THROTTLED, False),
    "RequestThrottled": (400, Cause.THROTTLED, False),
    "PriorRequestNotComplete": (400, Cause.THROTTLED, False),
    "EntityTemporarilyUnmodifiable": (409, Cause.THROTTLED, False),
    "ConcurrentModification": (409, Cause.THROTTLED, False),
    "OperationAborted": (409, Cause.THROTTLED, False),
    "AnythingElse": (429, Cause.THROTTLED, False),
    "LimitExceeded": (409, Cause.QUOTA, False),
    "PolicyTooLarge": (400, Cause.QUOTA, False),
    "MalformedPolicy": (400, Cause.REFUSED, False),
    "MalformedPolicyDocument": (400, Cause.REFUSED, False),
    "UnmodifiableEntity": (400, Cause.REFUSED, False),
    "DeleteConflict": (409, Cause.REFUSED, False),
    "EntityAlreadyExists": (409, Cause.BUSY, False),
    "NoSuchEntity": (404, Cause.GONE, False),
    "NoSuchBucket": (404, Cause.GONE, False),
    "AccessDenied": (403, Cause.DENIED, False),
    "AccessDeniedException": (400, Cause.DENIED, False),
    "403": (403, Cause.DENIED, False),
    "SomethingForbidden": (403, Cause.DENIED, False),
    "ExpiredToken": (403, Cause.CREDENTIALS, False),
    "InvalidToken": (400, Cause.CREDENTIALS, False),
    "InvalidClientTokenId": (403, Cause.CREDENTIALS, False),
    "SignatureDoesNotMatch": (403, Cause.CREDENTIALS, False),
    "RequestTimeTooSkewed": (403, Cause.CREDENTIALS, False),
    "InternalError": (500, Cause.UNREACHABLE, None),
    "ServiceUnavailable": (503, Cause.UNREACHABLE, None),
    "RequestTimeout": (400, Cause.UNREACHABLE, None),
    "SomethingNew": (400, Cause.REFUSED, False),
}


def answered(code: str, status: int, message: str = "m") -> b.ClientError:
    """What botocore raises of an answer."""
    said = {"Error": {"Code": code, "Message": message}}
    return b.ClientError({**said, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutSomething")


def test_a_search_domain_in_the_middle_of_a_change_takes_ours_later() -> None:
    """OpenSearch has one code for that and for a policy that it does not take."""
    busy = "A change/update is in progress. Please wait for it to complete."
    for message, cause in ((busy, Cause.THROTTLED), ("Invalid policy", Cause.REFUSED)):
        raised = answered("ValidationException", 400, message)
        said = translated(raised, "opensearch.update_domain_config", writing=True)
        assert (said.cause, said.landed) == (cause, False)


def test_a_stream_in_the_middle_of_a_change_takes_ours_later() -> None:
    """Kinesis has one code for too many requests and for too many streams; both pass."""
    for code, message in (
        ("ResourceInUseException", "Stream labels is not ACTIVE"),
        ("LimitExceededException", "Rate exceeded for stream labels"),
        ("LimitExceededException", "Number of concurrent requests exceeded"),
    ):
        said = translated(answered(code, 400, message), "kinesis.put", writing=True)
        assert (said.cause, said.landed) == (Cause.THROTTLED, False)
    full = answered("LimitExceededException", 400, "Cannot exceed quota for PoliciesPerRole: 10")
    assert translated(full, "iam.attach_role_policy", writing=True).cause is Cause.QUOTA


@pytest.mark.parametrize("code", CODES)
def test_every_error_of_aws_has_its_cause(code: str) -> None:
    """What happens next hangs on it; and whether a write may have landed."""
    status, cause, landed = CODES[code]
    raised = answered(code, status)
    writing = translated(raised, "s3.put_bucket_policy data", writing=True)
    assert (writing.cause, writing.landed) == (cause, landed)
    reading = translated(raised, "s3.get_bucket_policy data", writing=False)
    assert (reading.cause, reading.landed) == (cause, False)
    assert code in writing.detail
    assert "data" in writing.detail


RAISED = {
    "no credentials": (b.NoCredentialsError(), Cause.CREDENTIALS, False),
    "half of them": (
        b.PartialCredentialsError(provider="env", cred_var="k"), Cause.CREDENTIALS, False,
    ),
    "a login that has run out": (b.UnauthorizedSSOTokenError(), Cause.CREDENTIALS, False),
    "no such login": (
        b.SSOTokenLoadError(error_msg="gone"), Cause.CREDENTIALS, False,
    ),
    "a profile that is not there": (
        b.ProfileNotFound(profile="night"), Cause.CREDENTIALS, False,
    ),
    "no answer in time": (
        b.ReadTimeoutError(endpoint_url="http://127.0.0.1"), Cause.UNREACHABLE, None,
    ),
    "a cut connection": (
        b.ConnectionClosedError(endpoint_url="http://127.0.0.1"), Cause.UNREACHABLE, None,
    ),
    "a call that was never sent": (
        b.ParamValidationError(report="UserName"), Cause.BUG, False,
    ),
    "what botocore does not raise": (KeyError("Policy"), Cause.BUG, None),
}  # fmt: skip


@pytest.mark.parametrize("name", RAISED)
def test_every_error_of_the_sdk_has_its_cause(name: str) -> None:
    """Ours to mend, the network's, or a bug."""
    raised, cause, landed = RAISED[name]
    said = translated(raised, "iam.attach_user_policy annotator", writing=True)
    assert (said.cause, said.landed) == (cause, landed)
    assert "annotator" in said.detail
