"""Reading accounts: to the last page, in few calls, with the permissions that are declared."""

import pytest
from support.answers import Asked, answering
from support.aws import RESEARCH, VENDOR, Cloud, a_session, environment, estate
from support.aws_nights import AwsNight

from stopline.connectors.aws import AwsConnector, reading
from stopline.connectors.aws.clients import BY_SDK, Clients
from stopline.connectors.aws.permissions import PERMISSIONS, operation_of
from stopline.model import Document, Gap, Grant, Scope, Seen
from stopline.port import Observed

DETAILS = (
    "<GetAccountAuthorizationDetailsResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'>"
    "<GetAccountAuthorizationDetailsResult><IsTruncated>false</IsTruncated><UserDetailList/>"
    "<GroupDetailList/><Policies/><RoleDetailList><member><RoleName>odd</RoleName><Path>/</Path>"
    "<Arn>arn:aws:iam::111122223333:role/odd</Arn><RoleId>AROA1</RoleId>"
    "<AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument></member></RoleDetailList>"
    "</GetAccountAuthorizationDetailsResult></GetAccountAuthorizationDetailsResponse>"
)


@pytest.mark.parametrize(("trusted", "gaps"), [("%7Bnot json", 1), ("%7B%7D", 0)])
def test_details_that_make_no_sense_are_a_gap(
    monkeypatch: pytest.MonkeyPatch, trusted: str, gaps: int
) -> None:
    """What cannot be understood was not read: it is named, and nothing is raised."""
    none = "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"

    def reply(asked: Asked) -> tuple[int, str]:
        return 200, DETAILS.format(trusted) if asked.action else none

    with answering(reply) as answers:
        environment(monkeypatch, answers.url)
        aws = AwsConnector(Clients(estate(resources=()), a_session), 0.0)
        found = list(aws.discover(VENDOR, Scope(realms=(RESEARCH,))))
    assert len([f for f in found if isinstance(f, Gap)]) == gaps


def paged(asked: Asked, result: str, first: str, second: str) -> tuple[int, str]:
    """Two pages of one list."""
    last = bool(asked.word("Marker"))
    more = (
        "<IsTruncated>false</IsTruncated>"
        if last
        else ("<IsTruncated>true</IsTruncated><Marker>more</Marker>")
    )
    inside = f"<{result}Result>{second if last else first}{more}</{result}Result>"
    ns = "https://iam.amazonaws.com/doc/2010-05-08/"
    return 200, f'<{result}Response xmlns="{ns}">{inside}</{result}Response>'


def members(items: str, name: str, *ids: str, more: str = "") -> str:
    """A list of the query protocol."""
    inside = "".join(f"<member><{name}>{i}</{name}>{more}</member>" for i in ids)
    return f"<{items}>{inside}</{items}>"


OWNER = (
    "<GetUserResponse xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><GetUserResult><User>"
    "<UserId>AIDA1</UserId><UserName>annotator</UserName><Path>/</Path><Arn>a</Arn>"
    "<CreateDate>2026-01-01T00:00:00Z</CreateDate></User></GetUserResult></GetUserResponse>"
)
ON = "<Status>Active</Status>"
LISTS = {
    "ListAccessKeys": ("AccessKeyMetadata", "AccessKeyId"),
    "ListSSHPublicKeys": ("SSHPublicKeys", "SSHPublicKeyId"),
    "ListSigningCertificates": ("Certificates", "CertificateId"),
    "ListAttachedUserPolicies": ("AttachedPolicies", "PolicyArn"),
}


def pages(asked: Asked) -> tuple[int, str]:
    """Every list in two pages, one item on each."""
    if asked.action == "GetUser":
        return 200, OWNER
    items, name = LISTS[asked.action]
    first, second = (members(items, name, i, more=ON) for i in ("one", "two"))
    return paged(asked, asked.action, first, second)


@pytest.mark.parametrize("kind", ["access-key", "ssh-key", "signing-certificate"])
def test_keys_are_read_to_the_last_page(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """IAM may give fewer than there are: a key on the second page is neither lost nor gone."""
    with answering(pages) as answers:
        environment(monkeypatch, answers.url)
        clients = Clients(estate(), a_session)
        found = [k.id for k in reading.keys(clients, RESEARCH, "annotator") if k.kind == kind]
        seen = read(clients, Document("aws", RESEARCH, kind, "annotator/two"))
    assert found == ["one", "two"]
    assert seen.exists
    assert seen.states


def test_attachments_are_read_to_the_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deny of ours on the second page is still there."""
    with answering(pages) as answers:
        environment(monkeypatch, answers.url)
        seen = read(Clients(estate(), a_session), Document("aws", RESEARCH, "user-attachment", "a"))
    assert [a.part for a in seen.states] == ["one", "two"]
    assert seen.uid == "AIDA1"


def read(clients: Clients, wanted: Document) -> Observed:
    """One document by the connector."""
    return AwsConnector(clients, 0.0).read(wanted)


def test_an_account_is_read_in_few_calls(cloud: Cloud) -> None:
    """Principals by the page, not one by one: only the vendor's own users are asked for keys."""
    for number in range(6):
        cloud.user(f"staff-{number}", "/staff/", keys="")
    cloud.user("annotator")
    aws = cloud.connector()
    list(aws.discover(VENDOR, Scope(realms=(RESEARCH,))))
    assert sorted(u for u in cloud.used if u.startswith("iam:")) == [
        "iam:GetAccountAuthorizationDetails",
        "iam:ListAccessKeys",
        "iam:ListSSHPublicKeys",
        "iam:ListSigningCertificates",
    ]


def test_every_permission_is_one_that_the_sdk_knows() -> None:
    """A misspelt permission is in nobody's policy: each is a service and an operation of AWS."""
    renamed = {"s3:ListAllMyBuckets": "ListBuckets", "s3:GetLifecycleConfiguration": "",
               "s3:PutLifecycleConfiguration": "", "iam:PassRole": ""}  # fmt: skip
    named = {p: operation_of(p) for p in PERMISSIONS["read"] | PERMISSIONS["write"]}
    known = {
        service: set(a_session().get_service_model(BY_SDK.get(service, service)).operation_names)
        for service in {service for service, _ in named.values()}
    }
    for permission, (service, operation) in named.items():
        wanted = renamed.get(permission, operation)
        assert not wanted or wanted in known[service], permission
    reads = ("Get", "GET", "List", "Describe", "AssumeRole", "Simulate", "AdminGet")
    assert all(p.partition(":")[2].startswith(reads) for p in PERMISSIONS["read"])
    assert not [p for p in PERMISSIONS["write"] if p.partition(":")[2].startswith(reads)]


def test_discovery_shows_every_mark_that_stands(cloud: Cloud) -> None:
    """Also on a principal that nothing selects any more: else it would be left behind for ever."""
    cloud.user("annotator", keys="")
    night = AwsNight(cloud.connector())
    night.contain()
    nobody = VENDOR.model_copy(update={"aws": VENDOR.aws.model_copy(update={"paths": ()})})
    found = list(night.aws.discover(nobody, Scope()))
    assert not [f for f in found if isinstance(f, Grant)]
    seen = {f.address.kind for f in found if isinstance(f, Seen)}
    assert seen == {"deny-policy", "user-attachment"}
