"""The vendor's file: what it means, beyond its shape."""

import pytest

from stopline.errors import ConfigError
from stopline.vendors import Vendor, parse_vendor

WHOLE = """\
vendor: mercor
names: [Mercor]
aws:
  accounts: ["444455556666"]
  principals:
    - arn:aws:iam::222233334444:user/svc-label-sync
projects:
  chordus:
    aws:
      paths: [/vendors/mercor/chordus/]
protected:
  - arn:aws:iam::222233334444:role/archive
"""


def fault_of(text: str, file: str = "vendors/mercor.yaml") -> str:
    """All that is wrong with a text."""
    with pytest.raises(ConfigError) as raised:
        parse_vendor(text, file)
    return raised.value.what


def test_a_whole_file_is_read_as_it_is_written() -> None:
    """The typed vendor holds what the text says."""
    vendor = parse_vendor(WHOLE, "vendors/mercor.yaml")
    assert vendor.vendor == "mercor"
    assert vendor.aws.accounts == ("444455556666",)
    assert vendor.projects["chordus"].aws.paths == ("/vendors/mercor/chordus/",)


def test_the_file_must_bear_the_vendors_name() -> None:
    """A copied file that was not renamed inside cannot pause somebody else."""
    assert fault_of(WHOLE, "vendors/mercer.yaml") == (
        "vendors/mercer.yaml:1: the vendor is 'mercor', so the file must be mercor.yaml"
    )


def test_a_vendor_that_nothing_selects_is_a_fault() -> None:
    """A pause of it would find nothing and look like a success."""
    assert fault_of("owner: a\nvendor: mercor\n") == (
        "vendors/mercor.yaml:2: nothing selects 'mercor'; give 'aws' at least one of: accounts, "
        "external_ids, paths, tags, principals, canonical_ids, identity_providers, "
        "directory_users, pool_users, app_clients, public_keys, api_keys, endpoints, own_buckets; "
        "or 'gcp' at least one of: principals, domains, customers, projects, project_numbers, "
        "pools, org_units; or 'payouts' at least one of: payees, vendors"
    )


def test_a_vendor_that_only_a_project_selects_is_whole() -> None:
    """Selectors may all be in the projects."""
    text = "vendor: mercor\nprojects:\n  chordus:\n    aws: {tags: {project: chordus}}\n"
    assert isinstance(parse_vendor(text, "mercor.yaml"), Vendor)


@pytest.mark.parametrize("where", ["aws", "project"])
def test_a_principal_cannot_be_selected_and_protected(where: str) -> None:
    """Which of the two was meant is for the writer to say."""
    arn = "arn:aws:iam::222233334444:user/x"
    selectors = f"aws:\n  principals: [{arn}]\n"
    if where == "project":
        selectors = f"projects:\n  c:\n    aws:\n      principals: [{arn}]\n"
    text = f"vendor: mercor\n{selectors}protected:\n- {arn}\n"
    line = text.count("\n")
    assert fault_of(text) == (
        f"vendors/mercor.yaml:{line}: {arn} is both selected ('principals') and protected"
    )


GOOGLE = """\
vendor: mercor
gcp:
  principals: ["serviceAccount:etl@lab-data.iam.gserviceaccount.com", "user:ann@gmail.com"]
  domains: [mercor.example]
  customers: [C01abc35d]
  projects: [mercor-prod]
  project_numbers: ["444455556666"]
  pools:
    - projects/99/locations/global/workloadIdentityPools/mercor-ci
    - projects/99/locations/global/workloadIdentityPools/mercor-gke.svc.id.goog
protected: ["serviceAccount:tax@lab-data.iam.gserviceaccount.com"]
"""


def test_a_vendor_that_only_google_cloud_knows_is_whole() -> None:
    """Every form in which Google Cloud names a vendor is read as it is written."""
    vendor = parse_vendor(GOOGLE, "mercor.yaml")
    assert not vendor.gcp.empty
    assert vendor.gcp.customers == ("C01abc35d",)
    assert vendor.protected == ("serviceAccount:tax@lab-data.iam.gserviceaccount.com",)


FORMS = {
    "an address without its kind": ("principals: [ann@gmail.com]",
        ("3: 'ann@gmail.com' is not a principal of Google Cloud (user:, group:, serviceAccount: or "
        "principal(Set)://)")),
    "everybody": ("principals: [allUsers]",
        ("3: 'allUsers' is not a principal of Google Cloud (user:, group:, serviceAccount: or "
        "principal(Set)://)")),
    "a glob": ("principals: ['user:*@mercor.example']",
        ("3: 'user:*@mercor.example' is not a principal of Google Cloud (user:, group:, "
        "serviceAccount: or principal(Set)://)")),
    "a customer that is none": ("customers: [mercor]",
        "3: 'mercor' is not a customer id of Google (C01abc35d)"),
    "a number without quotes": ("project_numbers: [444455556666]",
        "3: YAML reads 444455556666 as a number: put it in quotes"),
    "a pool's short name": ("pools: [mercor-ci]",
        ("3: 'mercor-ci' is not an identity pool (projects/NUMBER/locations/global/"
        "workloadIdentityPools/ID, or locations/global/workforcePools/ID)")),
}  # fmt: skip


@pytest.mark.parametrize(("line", "fault"), FORMS.values(), ids=FORMS.keys())
def test_each_malformed_name_of_google_is_one_line(line: str, fault: str) -> None:
    """Nothing that could mean more than the vendor is let in."""
    assert fault_of(f"vendor: mercor\ngcp:\n  {line}\n") == f"vendors/mercor.yaml:{fault}"


def test_a_google_principal_cannot_be_both_selected_and_protected() -> None:
    """One of the two is a slip; which one, only a person knows."""
    text = GOOGLE.replace("tax@lab", "etl@lab")
    assert "is both selected ('principals') and protected" in fault_of(text)
