"""The estate's file: what it means, beyond its shape."""

import pytest

from stopline.errors import ConfigError
from stopline.estate import Estate, Reader, left_out, parse_estate, readers


def fault_of(text: str) -> str:
    """All that is wrong with a text."""
    with pytest.raises(ConfigError) as raised:
        parse_estate(text, "estate.yaml")
    return raised.value.what


def test_one_account_may_do_without_a_role() -> None:
    """The worker's own credentials reach one account."""
    assert parse_estate('aws: {accounts: {"111122223333": {}}}\n', "estate.yaml").aws is not None


def test_two_accounts_need_a_role() -> None:
    """One set of credentials in two accounts would read the same account twice."""
    text = 'aws:\n  accounts:\n    "111122223333": {}\n    "222233334444": {}\n'
    assert fault_of(text) == (
        "estate.yaml:4: the account '222233334444' has no role to assume; only one may do without "
        "('111122223333')"
    )


ROLE = "a role's name with its path (path/name, no leading '/')"
BAD = {
    "an account id without quotes": ("aws:\n  role: a\n  accounts:\n    111122223333: {}\n",
        "estate.yaml:4: YAML reads 111122223333 as a number: put it in quotes"),
    "a short account id": ('aws:\n  accounts:\n    "1111": {}\n',
        "estate.yaml:3: '1111' is not an AWS account id (twelve digits, in quotes)"),
    "no accounts": ("aws:\n  accounts: {}\n",
        "estate.yaml:2: 'accounts' must have at least 1 entry"),
    "a role as an ARN": ('aws:\n  role: /stopline/worker\n  accounts: {"111122223333": {}}\n',
        f"estate.yaml:2: '/stopline/worker' is not {ROLE}"),
    "an unknown kind of protection": ("protected:\n  break-glass: []\n",
        "estate.yaml:2: unknown key 'break-glass'; did you mean 'break_glass'?"),
    "an unknown key in an account": ('aws:\n  accounts:\n    "111122223333": {nmae: a}\n',
        "estate.yaml:3: unknown key 'nmae'; did you mean 'name'?"),
    "no calls at all": ('aws:\n  accounts: {"111122223333": {}}\n  calls_per_second: 0\n',
        "estate.yaml:3: 'calls_per_second' must be more than 0"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD.keys())
def test_each_fault_is_one_line(text: str, fault: str) -> None:
    """Every kind of bad estate gives its one message."""
    assert fault_of(text) == fault


def test_what_an_estate_leaves_out_is_told() -> None:
    """Kinds of resources that its file does not name; by default none is left out."""
    text = 'aws:\n  accounts: {"111122223333": {}}\n'
    assert left_out(parse_estate(text, "estate.yaml")) == ()
    some = parse_estate(f"{text}  resources: [kms-keys, secrets]\n", "estate.yaml")
    (told,) = left_out(some)
    assert "sqs-queues" in told
    assert "kms-keys" not in told
    assert left_out(Estate()) == ()


def test_a_ledger_is_told_what_its_rail_needs_and_what_means_nothing_there() -> None:
    """A key of Stripe's for a database, or a URL for Stripe, is a fault with its line."""
    text = (
        "payouts:\n  ledgers:\n"
        "    a: {url_from: LAB_URL, live: false}\n"
        "    b: {rail: stripe, key_from: KEY, url_from: LAB_URL}\n"
        "    c: {name: without}\n"
        "    d: {rail: stripe, key_from: KEY, platform: acct_1}\n"
    )
    assert fault_of(text).splitlines() == [
        "estate.yaml:3: 'live' means nothing for the rail 'payables'",
        "estate.yaml:4: 'url_from' means nothing for the rail 'stripe'",
        "estate.yaml:4: a ledger of the rail 'stripe' needs 'platform'",
        "estate.yaml:5: a ledger of the rail 'payables' needs 'url_from'",
    ]


def test_a_key_in_place_of_its_variable_is_refused_and_not_repeated() -> None:
    """Whoever writes the key itself into the file reads it in no message."""
    text = "payouts: {ledgers: {a: {rail: stripe, key_from: sk_live_1, platform: acct_1}}}\n"
    assert "name of an environment variable" in fault_of(text)
    assert "sk_live_1" not in fault_of(text)


def test_an_organisation_is_one_realm_and_each_project_without_one_is_its_own() -> None:
    """The deny stands where the realm is; who reads is told apart from who writes."""
    whole = (
        'gcp:\n  organization: "123456789012"\n  projects: [lab-data]\n'
        "  service_account: w@ops.iam.gserviceaccount.com\n"
        "  read_service_account: r@ops.iam.gserviceaccount.com\n"
    )
    estate = parse_estate(whole, "estate.yaml")
    assert readers(estate) == (
        Reader("gcp", "123456789012", "r@ops.iam.gserviceaccount.com", apart=True),
    )
    alone = parse_estate("gcp: {projects: [lab-web, lab-data]}\n", "estate.yaml")
    assert readers(alone) == (
        Reader("gcp", "lab-data", "", apart=False),
        Reader("gcp", "lab-web", "", apart=False),
    )


def test_google_cloud_without_anything_to_look_at_is_a_fault() -> None:
    """A section that says nothing would look like a connector that finds nothing."""
    assert fault_of("gcp: {propagation: 1}\n") == (
        "estate.yaml:1: give 'gcp' an 'organization', or 'projects'"
    )


def test_what_is_protected_may_be_of_either_provider() -> None:
    """ARNs and Google's principals with globs; a bare name protects nobody."""
    text = 'protected:\n  break_glass: ["arn:aws:iam::*:role/x", "group:glass@lab.example"]\n'
    assert len(parse_estate(text, "estate.yaml").protected.break_glass) == 2
    assert fault_of(text.replace("group:glass", "team:glass")) == (
        "estate.yaml:2: 'team:glass@lab.example' is not an ARN, or a principal of Google Cloud "
        "(user:, group:, serviceAccount:, principal://)"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:x@evil.example/", "https://key@api.example/"])
def test_a_url_with_user_information_is_refused(url: str) -> None:
    """Before the @ stands a secret, or what hides whose machine it really is."""
    assert "must be an https URL" in fault_of(
        f'gcp: {{organization: "123456", api_root: "{url}"}}\n'
    )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/x", "https://api.example", "http://localhost"]
)
def test_a_plain_url_is_taken(url: str) -> None:
    """Https anywhere, http on this machine."""
    text = f'gcp: {{organization: "123456", api_root: "{url}"}}\n'
    assert parse_estate(text, "estate.yaml").gcp is not None
