"""Access points of many regions, whose policy takes its time: against AWS's own model of S3.

The emulator has a written policy hold at once, and shows no proposed one; the contract is kept
there (`test_contract_of_resources`).
"""

import json
import re
import shlex
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.stub import Stubber
from support import aws_stubs
from support.aws import DATA, MERCER, MERCOR, Cloud, answer, body_of, error_text
from support.aws_cli import parsed
from support.aws_nights import AwsNight
from support.aws_resources import Owner, playbook
from support.aws_stubs import REACH
from support.grants import a_grant, opinions

from stopline.connectors.aws import AwsConnector, reached
from stopline.connectors.aws.proving import NOT_YET
from stopline.errors import ConnectorError
from stopline.estate import AwsAccount
from stopline.model import Change, Counted, Document, Gap, Grant
from stopline.receipts import Cause
from stopline.text import Json

OREGON = "us-west-2"
QUOTES = {"&quot;": '"'}
ID = f"{OREGON}/labels:abc123.mrap"
DOCUMENT = Document("aws", DATA, "multi-region-access-point-policy-statement", ID)
ARN = f"arn:aws:s3::{DATA}:accesspoint/abc123.mrap"
NAMED = {"AccountId": DATA, "Name": "labels"}


def allowing(sid: str, *numbers: str) -> Json:
    """An allow to some accounts."""
    who = {"AWS": [f"arn:aws:iam::{number}:root" for number in numbers]}
    what = {"Action": "s3:GetObject", "Resource": f"{ARN}/object/*"}
    return {"Sid": sid, "Effect": "Allow", "Principal": who, **what}


def saying(*statements: Json) -> str:
    """A policy's text, laid out as no program of ours would."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1)


POLICY = saying(allowing("Work", MERCOR, MERCER))
NOBODYS = saying(allowing("Own", DATA))
answering = partial(aws_stubs.answering, "s3control", region=OREGON)


@pytest.fixture
def connector() -> AwsConnector:
    """A connector that looks at them, and that nobody answers yet."""
    return aws_stubs.looking_at("multi-region-access-points")


def get(stub: Stubber, proposed: str, held: str | None = None) -> None:
    """What was written last, and what holds: the same where nothing else is said."""
    both = (("Proposed", proposed), ("Established", proposed if held is None else held))
    said = {"Policy": {name: {"Policy": text} for name, text in both if text}}
    stub.add_response("get_multi_region_access_point_policy", said, NAMED)


def listed(stub: Stubber, *aliases: str) -> None:
    """All there are."""
    points = [{"Name": "labels", "Alias": alias, "Status": "READY"} for alias in aliases]
    page = {"AccessPoints": points}
    stub.add_response("list_multi_region_access_points", page, {"AccountId": DATA})


def put(stub: Stubber, text: str) -> None:
    """A write that S3 takes, and carries out later."""
    words = {"AccountId": DATA, "Details": {"Name": "labels", "Policy": text}}
    token = {"RequestTokenARN": f"arn:aws:s3:{OREGON}:{DATA}:async-request/mrap/put/1"}
    stub.add_response("put_multi_region_access_point_policy", token, words)


def changes(connector: AwsConnector) -> list[Change]:
    """What would be done about it."""
    grant = a_grant("multi-region-access-point", ID)
    return [o for o in opinions(connector, grant) if isinstance(o, Change)]


def with_ours(text: str, ours: list[Change]) -> str:
    """A policy with our deny in it."""
    body = json.loads(text)
    said = [*body["Statement"], *(c.after.value for c in ours if c.after)]
    return json.dumps({**body, "Statement": said}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("proposed", "held", "theirs"),
    [
        (POLICY, POLICY, True),
        (POLICY, NOBODYS, True),
        (NOBODYS, POLICY, True),
        (NOBODYS, NOBODYS, False),
        ("", "", False),
    ],
)
def test_one_that_lets_the_vendor_in_now_or_soon_is_found(
    connector: AwsConnector,
    proposed: str,
    held: str,
    theirs: bool,  # noqa: FBT001 - a case
) -> None:
    """Oregon is asked, once, whatever regions the estate's file names."""
    with answering("reading", connector) as stub:
        listed(stub, "abc123.mrap")
        get(stub, proposed, held)
        found = list(reached.discover(connector.clients, [DATA], {}, REACH))
    grants = [f for f in found if isinstance(f, Grant)]
    assert [(g.address.id, g.target) for g in grants] == ([(ID, ARN)] if theirs else [])
    assert all(g.via == f"multi-region-access-point policy: account {MERCOR}" for g in grants)
    assert Counted("aws", DATA, "multi-region-access-point", 1) in found
    assert not [f for f in found if isinstance(f, Gap)]


def test_what_was_written_last_is_what_ours_is_put_into(connector: AwsConnector) -> None:
    """A stranger's policy that does not hold yet is kept, and what was there is given back."""
    ours, underway = changes(connector), saying(allowing("Work", MERCOR), allowing("New", MERCER))
    assert {tuple(c.after.value["Resource"]) for c in ours if c.after} == {(ARN, f"{ARN}/object/*")}
    wanted = with_ours(underway, ours)
    with answering("reading", connector) as reads, answering("writing", connector) as writes:
        get(reads, underway, POLICY)
        observed = connector.read(DOCUMENT)
        put(writes, wanted)
        get(reads, wanted, POLICY)
        connector.write(observed, ours, underway, "t")
        get(reads, wanted, wanted)
        contained = connector.read(DOCUMENT)
        assert set(contained.states) == {c.address for c in ours}
        put(writes, underway)
        get(reads, underway, wanted)
        connector.write(contained, [c.inverse() for c in ours], underway, "t")


def test_it_is_proven_by_what_holds(connector: AwsConnector) -> None:
    """As long as our deny is only proposed nothing is proven; nor where nobody can say."""
    ours = changes(connector)
    wanted = with_ours(POLICY, ours)
    for held, why in ((POLICY, NOT_YET), (wanted, "")):
        with answering("reading", connector) as reads:
            get(reads, wanted, held)
            observed = {DOCUMENT: connector.read(DOCUMENT)}
            for _ in ours:
                get(reads, wanted, held)
            told = list(connector.unproved(aws_stubs.VENDOR, ours, observed))
        assert {one.why for one in told} == ({why} if why else set())
    with answering("reading", connector) as reads:
        get(reads, wanted)
        observed = {DOCUMENT: connector.read(DOCUMENT)}
        for _ in ours:
            reads.add_client_error("get_multi_region_access_point_policy", "AccessDenied")
        told = list(connector.unproved(aws_stubs.VENDOR, ours, observed))
    assert all("could not be read" in one.why for one in told)
    assert len(told) == len(ours)


def test_where_there_is_no_policy_none_of_ours_is_put(connector: AwsConnector) -> None:
    """There is no call that would take it away again; nothing is sent."""
    ours = changes(connector)
    with answering("reading", connector) as reads, answering("writing", connector):
        get(reads, "")
        with pytest.raises(ConnectorError, match="takes none away again") as refused:
            connector.write(connector.read(DOCUMENT), ours, "", "t")
    assert refused.value.cause is Cause.REFUSED
    assert refused.value.landed is False


def test_ours_that_is_left_alone_cannot_be_taken_out(connector: AwsConnector) -> None:
    """A stranger took out everything else: a person says what should stand there."""
    ours = changes(connector)
    back = [c.inverse() for c in ours]
    alone = saying(*(c.after.value for c in ours if c.after))
    with answering("reading", connector) as reads, answering("writing", connector):
        get(reads, alone)
        contained = connector.read(DOCUMENT)
        with pytest.raises(ConnectorError, match="nothing would be left") as refused:
            connector.write(contained, back, POLICY, "t")
    assert refused.value.cause is Cause.REFUSED


def test_one_that_is_gone_is_not_one_without_a_policy(connector: AwsConnector) -> None:
    """S3 has an error for each."""
    for code, there in (
        ("NoSuchMultiRegionAccessPoint", False),
        ("NoSuchMultiRegionAccessPointPolicy", True),
    ):
        with answering("reading", connector) as reads:
            reads.add_client_error("get_multi_region_access_point_policy", code)
            assert connector.read(DOCUMENT).exists is there


def landing(cloud: Cloud, then: Callable[[], AWSResponse]) -> Callable[[Any], AWSResponse | None]:
    """The next write lands, as its owner would send it; then this happens, and no answer."""
    left = [then]

    def interfere(request: Any) -> AWSResponse | None:
        if not left or not request.url.endswith("/mrap/put-policy"):
            return None
        (text,) = re.findall(r"(?s)<Policy>(.*)</Policy>", body_of(request))
        words = {"AccountId": DATA, "Details": {"Name": "labels", "Policy": unescape(text, QUOTES)}}
        Owner(cloud).client("s3control").put_multi_region_access_point_policy(**words)
        return left.pop()()

    return interfere


def killed() -> AWSResponse:
    """The process is gone."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("kill", [False, True])
def test_a_write_of_which_nobody_heard_is_known_by_its_mark(
    cloud: Cloud,
    back: bool,  # noqa: FBT001 - a case
    kill: bool,  # noqa: FBT001 - a case
) -> None:
    """Whether the reply was lost or the process; others' statements stay, and all comes back."""
    owner = Owner(cloud)
    name = owner.make("multi-region-access-point", "labels")
    document = Document("aws", DATA, DOCUMENT.kind, f"{OREGON}/{name}")
    before = owner.text(document)
    words: Json = {"resources": ("multi-region-access-points",)}
    account: Json = {"accounts": {DATA: AwsAccount(name="data")}}
    night = AwsNight(cloud.connector(**words, **account), playbook=playbook())
    if back:
        night.contain()
    lost = partial(answer, 503, error_text("ServiceUnavailable"))
    cloud.interfere = landing(cloud, killed if kill else lost)
    for _ in range(2):
        with suppress(KeyboardInterrupt):
            night.restore() if back else night.contain()
        night.now += 600  # the lease of who was killed runs out
    assert (owner.text(document) == before) is back
    kept = json.loads(owner.text(document))["Statement"]
    assert kept[:2] == json.loads(before)["Statement"]
    night.restore()
    assert owner.text(document) == before


def test_by_hand_the_same_calls_are_made(connector: AwsConnector, tmp_path: Path) -> None:
    """Read, and written with the name beside the text: as the model names them."""
    (ours, *_) = changes(connector)
    *_, line = connector.commands(DOCUMENT, [ours], None).lines
    client = boto3.client("s3control", region_name=OREGON)
    details = tmp_path / "words"
    details.write_text(json.dumps({"Name": "labels", "Policy": "new text"}), "utf-8")
    for verb, wanted in (
        ("Get", NAMED),
        ("Put", {"AccountId": DATA, "Details": {"Name": "labels", "Policy": "new text"}}),
    ):
        name = f"{verb}MultiRegionAccessPointPolicy"
        words = line.partition(f"aws s3control {xform_name(name, '-')} ")[2]
        words = words.partition(" > ")[0].partition(" && ")[0].replace("$D/words", str(details))
        given, query, _ = parsed(client, name, shlex.split(words))
        assert given == wanted
        assert query == ("Policy.Proposed.Policy || Policy.Established.Policy" * (verb == "Get"))
    assert line.endswith("false; fi)")
