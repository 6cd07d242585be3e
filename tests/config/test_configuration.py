"""The folder: lookup by name, broken neighbours, freezing; and the files that we ship."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stopline.configuration import Configuration, Frozen, blind_spots, installed_words, load
from stopline.errors import ConfigError, UserError
from stopline.estate import Estate
from stopline.model import Scope
from stopline.text import sha256

SHIPPED = Path(__file__).parents[2] / "config"
ESTATE = 'aws: {accounts: {"111122223333": {}}}\n'
PLAYBOOK = """\
playbook: default
phases:
- name: one
  rules:
  - {name: a, connector: aws, contains: users, how: deny-all}
"""
WORDS = {"aws": {"users": frozenset({"deny-all"})}}


def vendor_text(name: str, *names: str) -> str:
    """A vendor's file."""
    return f"vendor: {name}\nnames: [{', '.join(names)}]\naws: {{paths: [/vendors/{name}/]}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the vendors mercor and mercer."""
    (tmp_path / "vendors").mkdir()
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "estate.yaml").write_text(ESTATE)
    (tmp_path / "playbooks/default.yaml").write_text(PLAYBOOK)
    (tmp_path / "vendors/mercor.yaml").write_text(vendor_text("mercor", "Mercor", "Mercor.io"))
    (tmp_path / "vendors/mercer.yaml").write_text(vendor_text("mercer", "Mercer Benefits"))
    return tmp_path


def read(folder: Path) -> Configuration:
    """The folder as it is now."""
    return load(folder, WORDS)


def faults_of(folder: Path) -> list[str]:
    """What `check` says, with the folder left out."""
    return [str(e.what).replace(f"{folder.as_posix()}/", "") for e in read(folder).check()]


# --- by name -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mercor", "MERCOR", "mercor.IO", " Mercor.io "])
def test_a_vendor_is_found_by_name_and_alias(folder: Path, name: str) -> None:
    """Upper and lower case are the same to somebody in a hurry."""
    assert read(folder).vendor(name).vendor == "mercor"


def test_a_misspelt_vendor_is_answered_with_the_nearest(folder: Path) -> None:
    """The nearest names are shown; none is taken."""
    with pytest.raises(UserError) as raised:
        read(folder).vendor("mercro")
    assert raised.value.what == "There is no vendor 'mercro'; nothing was planned."
    assert raised.value.next_step == "Did you mean 'mercor' or 'mercer'?"


def test_a_vendor_like_no_other_is_answered_with_the_way_to_the_list(folder: Path) -> None:
    """Nothing is near."""
    with pytest.raises(UserError, match="`stopline vendor list` shows those there are"):
        read(folder).vendor("zzz")


def test_a_name_is_never_a_path(folder: Path) -> None:
    """What a person types does not lead out of the folder."""
    (folder / "other.yaml").write_text(vendor_text("other"))
    with pytest.raises(UserError):
        read(folder).vendor("../other")


def test_an_alias_of_two_vendors_names_both_files(folder: Path) -> None:
    """Nobody guesses which of two vendors is to be cut off."""
    (folder / "vendors/mercer.yaml").write_text(vendor_text("mercer", "mercor.io"))
    message = (
        "vendors/mercer.yaml: the name 'mercor.io' means 'mercer' here and 'mercor' in "
        "vendors/mercor.yaml; it must mean one"
    )
    with pytest.raises(ConfigError) as raised:
        read(folder).vendor("mercor.io")
    assert raised.value.what.replace(f"{folder.as_posix()}/", "") == message
    assert [fault.splitlines()[0].split(": ")[0] for fault in faults_of(folder)] == [
        "vendors/mercor.yaml"
    ]


def test_a_vendors_own_name_goes_before_anothers_alias(folder: Path) -> None:
    """A neighbour's slip does not stop a pause at night, and `check` still shows it."""
    (folder / "vendors/mercer.yaml").write_text(vendor_text("mercer", "mercor"))
    assert read(folder).vendor("mercor").vendor == "mercor"
    assert len(faults_of(folder)) == 1


def test_a_misspelt_playbook_is_answered_with_the_nearest(folder: Path) -> None:
    """As with vendors."""
    with pytest.raises(UserError) as raised:
        read(folder).playbook("defualt")
    assert str(raised.value) == (
        "There is no playbook 'defualt'; nothing was planned. Did you mean 'default'?"
    )


# --- broken neighbours -------------------------------------------------------------------------


def test_a_broken_neighbour_does_not_stand_in_the_way(folder: Path) -> None:
    """At 3am only the file of the vendor in question matters; `check` tells of the other."""
    (folder / "vendors/mercer.yaml").write_text("vendor: [\n")
    assert read(folder).vendor("mercor").vendor == "mercor"
    assert [vendor.vendor for vendor in read(folder).vendors()] == ["mercor"]
    (fault,) = faults_of(folder)
    assert fault.startswith("vendors/mercer.yaml:2: not readable as YAML")
    with pytest.raises(ConfigError):
        read(folder).vendor("mercer")


def test_an_unknown_name_says_which_files_could_not_be_searched(folder: Path) -> None:
    """The alias may stand in the broken file."""
    (folder / "vendors/mercer.yaml").write_text("vendor: [\n")
    (folder / "vendors/acme.yml").write_text(vendor_text("acme"))
    with pytest.raises(UserError) as raised:
        read(folder).vendor("zzz")
    place = folder.as_posix()
    assert f"since they are broken: {place}/vendors/mercer.yaml." in raised.value.next_step
    assert f"Not read: {place}/vendors/acme.yml." in raised.value.next_step


UNREADABLE = {
    "not UTF-8": (b"vendor: mercer\nnote: M\xfcnchen\n",
        "vendors/mercer.yaml:2: the byte 0xfc is not UTF-8; save the file as UTF-8"),
    "UTF-16": ("vendor: mercer".encode("utf-16"),
        "vendors/mercer.yaml:1: the byte 0xff is not UTF-8; save the file as UTF-8"),
    "empty": (b"", "vendors/mercer.yaml:1: the file is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "fault"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_no_text_is_one_clear_fault(folder: Path, raw: bytes, fault: str) -> None:
    """Bytes of any kind end in one line."""
    (folder / "vendors/mercer.yaml").write_bytes(raw)
    assert faults_of(folder) == [fault]


def test_what_cannot_be_opened_is_one_clear_fault(folder: Path) -> None:
    """A folder in a file's place, a link to nothing, a link to itself."""
    (folder / "vendors/acme.yaml").mkdir()
    (folder / "vendors/gone.yaml").symlink_to("nowhere")
    (folder / "vendors/round.yaml").symlink_to("round.yaml")
    (folder / "vendors/acme.yml").touch()
    (folder / "vendors/.#mercor.yaml").symlink_to("an-editors-lock")
    assert faults_of(folder) == [
        "vendors/acme.yaml: is a directory",
        "vendors/acme.yml: is not read; name it acme.yaml",
        "vendors/gone.yaml: no such file or directory",
        "vendors/round.yaml: too many levels of symbolic links",
    ]


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    """With the way to name another."""
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "nowhere")
    assert raised.value.what.endswith(
        "nowhere: no such file or directory; no configuration was read."
    )
    assert "STOPLINE_CONFIG_DIR" in raised.value.next_step


def test_a_folder_without_estate_says_so_when_asked(folder: Path) -> None:
    """The vendors can still be listed."""
    (folder / "estate.yaml").unlink()
    assert len(read(folder).vendors()) == 2
    assert faults_of(folder) == ["estate.yaml: no such file or directory"]
    with pytest.raises(ConfigError, match="no such file"):
        read(folder).freeze("mercor")


def test_an_empty_folder_says_what_to_write(tmp_path: Path) -> None:
    """The first minute of a new installation."""
    with pytest.raises(UserError, match=r"write mercor\.yaml there"):
        load(tmp_path).vendor("mercor")


def test_a_playbook_is_held_to_the_words_of_the_installed_connectors(folder: Path) -> None:
    """Without a table of its own, `load` asks the connectors."""
    (folder / "playbooks/default.yaml").write_text(PLAYBOOK.replace("users", "user"))
    (fault,) = [str(e.what) for e in load(folder).check()]
    assert fault.endswith("unknown word for 'contains' 'user'; did you mean 'users'?")
    assert "deny-all" in installed_words()["aws"]["users"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(raw=st.binary(max_size=200))
def test_any_bytes_in_any_file_end_in_faults_or_a_model(folder: Path, raw: bytes) -> None:
    """`check` never raises, whatever lies in the folder."""
    for name in ("estate.yaml", "vendors/mercor.yaml", "playbooks/default.yaml"):
        (folder / name).write_bytes(raw)
    assert all(isinstance(error, ConfigError) for error in read(folder).check())


# --- freezing ----------------------------------------------------------------------------------


def test_what_is_frozen_is_the_text_word_for_word(folder: Path) -> None:
    """Comments and all, found by an alias; and the files may change afterwards."""
    text = f"# at night: call Ada\n{vendor_text('mercor', 'Mercor.io')}"
    (folder / "vendors/mercor.yaml").write_text(text)
    configuration = read(folder)
    frozen = configuration.freeze("mercor.io")
    (folder / "vendors/mercor.yaml").write_text("vendor: [\n")
    assert frozen == Frozen(text, PLAYBOOK, ESTATE) == Frozen(*configuration.texts("mercor"))
    vendor, playbook, estate = frozen.parse()
    assert vendor == configuration.vendor("mercor")
    assert playbook == configuration.playbook()
    assert estate == configuration.estate()


@given(texts=st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]))] * 3))
def test_frozen_texts_survive_the_journal(texts: tuple[str, str, str]) -> None:
    """What was dumped is loaded again, under its digest."""
    frozen = Frozen(*texts)
    assert Frozen.load(frozen.dump()) == frozen
    assert frozen.digest == sha256(frozen.dump())


def test_a_frozen_text_is_held_to_its_shape_and_to_no_later_rule() -> None:
    """An open pause outlives the connectors' words and the rules of meaning."""
    frozen = Frozen("vendor: mercor\n", PLAYBOOK.replace("users", "long-gone"), "protected: {}\n")
    vendor, playbook, _ = frozen.parse()
    assert vendor.aws.empty
    assert playbook.rule("aws", "long-gone")


@pytest.mark.parametrize("body", ["", "{}", "[1]", '{"vendor_text": 1}', "nonsense"])
def test_a_frozen_text_that_is_none_is_a_clear_error(body: str) -> None:
    """The journal holds something else under that digest."""
    with pytest.raises(ConfigError, match="frozen configuration in the journal cannot be read"):
        Frozen.load(body)


def test_only_a_whole_configuration_is_frozen(folder: Path) -> None:
    """A pause must not be opened from files that cannot be read back."""
    (folder / "playbooks/default.yaml").write_text(PLAYBOOK.replace("users", "user"))
    with pytest.raises(ConfigError, match="did you mean 'users'"):
        read(folder).freeze("mercor")


# --- what we ship ------------------------------------------------------------------------------


def test_the_shipped_configuration_is_whole() -> None:
    """Vendors, playbook and estate load without a fault, held to the connectors' words."""
    configuration = load(SHIPPED)
    assert configuration.check() == []
    assert [vendor.vendor for vendor in configuration.vendors()] == ["mercer", "mercor"]
    assert configuration.freeze("mercor").parse()[0].projects.keys() == {"chordus"}


def test_the_shipped_playbook_denies_before_it_switches_keys_off() -> None:
    """A denied principal cannot mint keys while its old ones are switched off."""
    all_rules = [rule for phase in load(SHIPPED).playbook().phases for rule in phase.rules]
    rules = [rule.contains for rule in all_rules if rule.connector == "aws"]
    assert rules == [
        "users", "roles", "access-keys", "ssh-keys", "signing-certificates", "trust-anchors",
        "anywhere-profiles", "pool-users", "api-keys", "app-clients", "group-memberships",
        "account-assignments", "application-assignments", "shared-roles",
        "buckets", "kms-keys", "sns-topics", "sqs-queues", "secrets", "ecr-repositories",
        "ecr-registries", "dynamodb-tables", "event-buses", "lambda-functions", "file-systems",
        "search-domains",
        "streams", "backup-vaults", "access-points", "multi-region-access-points",
        "access-grants", "data-catalogs", "stream-consumers", "table-streams", "lambda-versions",
        "package-domains", "package-repositories", "table-buckets", "vector-buckets",
        "directory-buckets", "object-lambdas", "lattice-services", "lattice-networks", "images",
        "snapshots",
        "db-snapshots", "db-cluster-snapshots",
        "lake-permissions", "resource-shares", "lambda-layers", "endpoint-services",
        "endpoint-connections", "fpga-images", "ssm-documents", "datashares",
        "redshift-endpoints", "redshift-snapshots", "signing-profiles",
        "serverless-applications", "key-groups", "event-targets", "topic-subscriptions",
        "log-subscriptions", "log-account-policies",
    ]  # fmt: skip
    assert [rule.contains for rule in all_rules if rule.connector == "gcp"] == [
        "principals", "service-accounts", "service-account-keys", "hmac-keys", "identity-pools",
        "workspace-users", "buckets", "entries", "group-memberships", "access-lists",
        "drive-permissions",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("connectors", "named"), [((), {"aws", "gcp"}), (("gcp",), {"gcp"}), (("payouts",), set())]
)
def test_what_nobody_looks_at_is_said_of_the_systems_in_question(
    connectors: tuple[str, ...], named: set[str]
) -> None:
    """Of those that the estate has and the scope admits; what the estate leaves out is among it."""
    estate = Estate.model_validate(
        {
            "aws": {"accounts": {"111122223333": {}}, "resources": ["kms-keys"]},
            "gcp": {"projects": ["labels-prod"], "service_account": "s@p.iam.gserviceaccount.com"},
        }
    )
    said = blind_spots(estate, Scope(connectors=connectors))
    assert {what.partition(":")[0] for what in said} == named
    assert any("sns-topics" in what for what in said) is ("aws" in named)
