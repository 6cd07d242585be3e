"""Who is the vendor is decided by whole names, and a deny spells them its own way."""

import pytest

from stopline.connectors.gcp.members import named, spelt, unspelt, via
from stopline.vendors import GcpSelectors

POOL = "projects/99/locations/global/workloadIdentityPools/mercor-ci"
CLUSTER = "projects/99/locations/global/workloadIdentityPools/mercor-gke.svc.id.goog"
THEIR_POOL = (
    "iam.googleapis.com/projects/444455556666/locations/global/workloadIdentityPools/"
    "mercor-prod.svc.id.goog"
)
MERCOR = GcpSelectors(
    principals=("user:ann@gmail.com", "serviceAccount:etl@lab-data.iam.gserviceaccount.com"),
    domains=("mercor.example",),
    customers=("C01abc35d",),
    projects=("mercor-prod",),
    project_numbers=("444455556666",),
    pools=(POOL, CLUSTER),
)
CRM = "principalSet://cloudresourcemanager.googleapis.com/projects"
CUSTOMER = "principalSet://goog/cloudIdentityCustomerId/C01abc35d"
THEIRS = {
    "user:ann@gmail.com": "its own name",
    "user:Bo@Mercor.example": "the domain mercor.example",
    "group:raters@mercor.example": "the domain mercor.example",
    "domain:mercor.example": "the domain mercor.example",
    CUSTOMER: "the directory C01abc35d",
    "serviceAccount:etl@lab-data.iam.gserviceaccount.com": "its own name",
    "serviceAccount:pull@mercor-prod.iam.gserviceaccount.com": "the project mercor-prod",
    "serviceAccount:mercor-prod@appspot.gserviceaccount.com": "the project mercor-prod",
    "serviceAccount:mercor-prod.svc.id.goog[ns/sa]": "the project mercor-prod",
    "serviceAccount:444455556666-compute@developer.gserviceaccount.com": (
        "the project number 444455556666"
    ),
    "serviceAccount:service-444455556666@gcp-sa-pubsub.iam.gserviceaccount.com": (
        "the project number 444455556666"
    ),
    "serviceAccount:444455556666@cloudservices.gserviceaccount.com": (
        "the project number 444455556666"
    ),
    f"principalSet://iam.googleapis.com/{POOL}/attribute.repository/mercor/x": f"the pool {POOL}",
    f"principal://iam.googleapis.com/{POOL}/subject/x": f"the pool {POOL}",
    f"principal://iam.googleapis.com/{CLUSTER}/subject/ns/a/sa/b": f"the pool {CLUSTER}",
    f"principalSet://{THEIR_POOL}/*": "the project number 444455556666",
    f"principal://{THEIR_POOL}/subject/x": "the project number 444455556666",
    "projectOwner:mercor-prod": "the project mercor-prod",
    "projectEditor:mercor-prod": "the project mercor-prod",
    "projectViewer:mercor-prod": "the project mercor-prod",
    f"{CRM}/444455556666/type/ServiceAccount": ("the project number 444455556666"),
}
OTHERS = (
    "user:bo@mercor.example.org",
    "user:bo@notmercor.example",
    "user:mercor.example@lab.example",
    "group:mercor@lab.example",
    "domain:mercor.example.org",
    "serviceAccount:mercor-prod@lab-data.iam.gserviceaccount.com",
    "serviceAccount:pull@mercor-prod-2.iam.gserviceaccount.com",
    "serviceAccount:4444555566667-compute@developer.gserviceaccount.com",
    f"principalSet://iam.googleapis.com/{POOL}-2/*",
    "allUsers",
    "allAuthenticatedUsers",
    "projectOwner:mercor-prod-2",
    "projectOwner:lab-data",
    f"principalSet://{THEIR_POOL.replace('4444', '14444')}/*",
)


@pytest.mark.parametrize(("member", "why"), THEIRS.items())
def test_each_form_of_the_vendor_is_recognised(member: str, why: str) -> None:
    """Its people, groups, directory, projects, service agents by number, and pools."""
    assert via(MERCOR, member) == why


@pytest.mark.parametrize("member", OTHERS)
def test_a_look_alike_is_not_the_vendor(member: str) -> None:
    """A name that only holds the vendor's, or begins with it, is somebody else's."""
    assert not via(MERCOR, member)


@pytest.mark.parametrize(
    ("member", "denied"),
    [
        ("user:ann@gmail.com", "principal://goog/subject/ann@gmail.com"),
        ("group:raters@mercor.example", "principalSet://goog/group/raters@mercor.example"),
        (
            "serviceAccount:a@p.iam.gserviceaccount.com",
            "principal://iam.googleapis.com/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com",
        ),
        (CUSTOMER, CUSTOMER),
    ],
)
def test_a_deny_spells_a_member_its_own_way_and_back(member: str, denied: str) -> None:
    """Allow and deny policies name the same identity differently; nothing is lost between them."""
    assert (spelt(member), unspelt(denied)) == (denied, member)


@pytest.mark.parametrize(
    "member",
    [
        "domain:mercor.example",
        "allUsers",
        "serviceAccount:mercor-prod.svc.id.goog[ns/sa]",
        "projectViewer:mercor-prod",
        f"{CRM}/444455556666/type/ServiceAccount",
    ],
)
def test_what_no_deny_can_name_is_said_to_be(member: str) -> None:
    """There is no such form, so something else must contain it."""
    assert not spelt(member)


def test_a_domain_is_denied_by_the_vendors_directory() -> None:
    """A deny knows no domain; the customer id stands for everybody of it, aliases too."""
    assert named(MERCOR, "domain:mercor.example") == (CUSTOMER,)
    assert named(MERCOR, "user:bo@mercor.example") == ("user:bo@mercor.example", CUSTOMER)
    assert named(MERCOR, "user:Ann@Gmail.com") == ("user:ann@gmail.com",)
    assert named(MERCOR, "domain:mercor.example", whole=False) == ()
