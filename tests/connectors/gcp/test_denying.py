"""What our deny policy says is read back as it was written, whatever else stands in it."""

from hypothesis import given
from hypothesis import strategies as st

from stopline.connectors.gcp.denying import PERMISSIONS, entries, entry, rules, undenied
from stopline.model import State

MEMBERS = st.sampled_from(
    ["user:a@v.example", "group:g@v.example", "serviceAccount:s@p.iam.gserviceaccount.com"]
)
OURS = st.sampled_from([entry("user:x@v.example", ["group:glass@lab.example"]), entry("y", [])])


@given(st.dictionaries(MEMBERS, OURS))
def test_rules_say_what_entries_say(wanted: dict[str, State]) -> None:
    """Each principal has its own entry, although who is denied the same shares one rule."""
    states = {m: State.of({**s.value, "denied": m}) for m, s in wanted.items()}
    made = rules(states)
    assert entries({"rules": made}) == states
    assert len(made) == len({s.digest for s in wanted.values()})


def test_a_strangers_condition_on_our_rule_is_seen() -> None:
    """A deny that holds only sometimes is not what we left."""
    ours = entry("user:a@v.example", [])
    (rule,) = rules({"user:a@v.example": ours})
    weaker = {"denyRule": {**rule["denyRule"], "denialCondition": {"expression": "false"}}}
    found = entries({"rules": [weaker]})
    assert found["user:a@v.example"] != ours
    assert rules(found) == [weaker]


def test_a_principal_in_two_rules_is_seen_to_be() -> None:
    """Neither of the rules is lost when the policy is written again."""
    (one,) = rules({"user:a@v.example": entry("user:a@v.example", [])})
    other = {"denyRule": {**one["denyRule"], "deniedPermissions": ["x.googleapis.com/y.z"]}}
    found = entries({"rules": [one, other]})
    assert len(found["user:a@v.example"].value["rules"]) == 2
    assert rules(found) == [one, other]


def test_the_escalators_are_denied_with_the_data() -> None:
    """Whoever may act as another, mint a key, edit a policy or lift a deny could go round ours."""
    for permission in (
        "iam.googleapis.com/serviceAccounts.getAccessToken",
        "iam.googleapis.com/serviceAccountKeys.create",
        "iam.googleapis.com/denypolicies.delete",
        "cloudresourcemanager.googleapis.com/projects.setIamPolicy",
        "storage.googleapis.com/objects.get",
    ):
        assert permission in PERMISSIONS


def test_nobody_denied_could_let_another_in_to_the_data_of_any_service() -> None:
    """Where data of a service is denied, so is giving others a role on what holds it."""
    services = {p.partition("/")[0] for p in PERMISSIONS}
    given = {p.partition("/")[0] for p in PERMISSIONS if p.endswith(".setIamPolicy")}
    assert given == services
    for permission in (
        "bigquery.googleapis.com/datasets.setIamPolicy",
        "bigquery.googleapis.com/datasets.update",
        "cloudresourcemanager.googleapis.com/projects.delete",
        "iam.googleapis.com/serviceAccounts.undelete",
        "iam.googleapis.com/workloadIdentityPools.update",
    ):
        assert permission in PERMISSIONS


def test_what_a_role_allows_beyond_the_deny_is_counted() -> None:
    """Allow policies spell permissions otherwise; a role that could not be read is not known."""
    assert undenied(["storage.objects.get", "resourcemanager.projects.setIamPolicy"]) == 0
    assert undenied(["storage.objects.get", "compute.instances.list"]) == 1
    assert undenied(None) is None
