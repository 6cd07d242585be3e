"""Settings: defaults, the environment, and one clear message for a bad value."""

import os
from pathlib import Path

import pytest

from stopline.errors import ConfigError
from stopline.settings import Settings, masked


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a home of their own, in a folder of their own, and nothing set."""
    for name in [n for n in os.environ if n.startswith(("STOPLINE_", "XDG_", "NO_COLOR"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fault_of() -> str:
    """What is wrong with the environment."""
    with pytest.raises(ConfigError) as raised:
        Settings()
    assert raised.value.next_step == "Correct the environment; nothing was started."
    return raised.value.what


def test_without_any_setting_everything_is_under_the_home(home: Path) -> None:
    """The XDG folders, and an SQLite journal in the data directory."""
    found = Settings()
    assert found.config_dir == home / ".config/stopline"
    assert found.data_dir == home / ".local/share/stopline"
    assert found.journal_url == f"sqlite:///{home}/.local/share/stopline/journal.db"
    assert "@" in found.identity
    assert (found.lease_seconds, found.request_seconds) == (30, 15)
    assert (found.threads, found.batch, found.window) == (16, 25, 4)
    assert (found.log_format, found.log_level) == ("auto", "INFO")


def test_the_data_directory_is_the_owners_alone(home: Path) -> None:
    """It holds the state before every change, which may hold secrets."""
    assert Settings().data_dir.stat().st_mode & 0o777 == 0o700


def test_a_config_folder_here_goes_before_the_users(home: Path) -> None:
    """In a checkout the checkout's files are meant; messages name them as short as that."""
    (home / "config").mkdir()
    assert Settings().config_dir == Path("config")


def test_xdg_folders_are_heeded_when_they_are_absolute(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The specification has relative ones ignored."""
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert Settings().data_dir == home / "data/stopline"
    assert Settings().config_dir == home / ".config/stopline"


def test_the_environment_sets_everything(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has its variable; an empty one counts as not set."""
    told = {
        "CONFIG_DIR": "~/elsewhere",
        "DATA_DIR": str(home / "d"),
        "JOURNAL_URL": "postgresql+psycopg://u:secret@db/stopline",
        "IDENTITY": "ada@lab.example",
        "LEASE_SECONDS": "60",
        "REQUEST_SECONDS": "20.5",
        "THREADS": "4",
        "BATCH": "50",
        "WINDOW": "",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "debug",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"STOPLINE_{name}", value)
    found = Settings()
    assert found.config_dir == home / "elsewhere"
    assert found.journal_url == told["JOURNAL_URL"]
    assert (found.identity, found.lease_seconds, found.request_seconds) == (
        "ada@lab.example", 60, 20.5,
    )  # fmt: skip
    assert (found.threads, found.batch, found.window) == (4, 50, 4)
    assert (found.log_format, found.log_level) == ("json", "DEBUG")


def test_a_data_directory_may_have_any_name(home: Path) -> None:
    """Its path is quoted in the journal's URL."""
    found = Settings(data_dir=home / "a?b#c%d e")
    assert found.journal_url == f"sqlite:///{home}/a%3Fb%23c%25d e/journal.db"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pa@ss/w@db:5432/x?password=y", "postgresql://u:***@db:5432/x"),
        ("postgresql://u@db/x", "postgresql://u@db/x"),
        ("sqlite:////var/lib/journal.db", "sqlite:////var/lib/journal.db"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    """Neither in what is shown, nor in the settings' own text."""
    found = Settings(journal_url=url)
    assert found.journal_shown == masked(url) == shown
    assert "pa@ss" not in repr(found) + str(found)


BAD = {
    "STOPLINE_BATCH": ("abc",
        "STOPLINE_BATCH: must be a valid integer, unable to parse string as an integer"),
    "STOPLINE_WINDOW": ("0", "STOPLINE_WINDOW: must be greater than or equal to 1"),
    "STOPLINE_LOG_LEVEL": ("loud",
        "STOPLINE_LOG_LEVEL: must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    "STOPLINE_LOG_FORMAT": ("xml", "STOPLINE_LOG_FORMAT: must be 'auto', 'console' or 'json'"),
    "STOPLINE_JOURNAL_URL": ("mysql://u:secret@db/x",
        "STOPLINE_JOURNAL_URL: must be a database URL: sqlite:///… or postgresql://…"),
    "STOPLINE_IDENTITY": ("a\nb",
        "STOPLINE_IDENTITY: must be one line of text that is not empty"),
    "STOPLINE_LEASE_SECONDS": ("15",
        "STOPLINE_LEASE_SECONDS (15) must be more than STOPLINE_REQUEST_SECONDS (15)"),
    "STOPLINE_REQUEST_SECONDS": ("nan", "STOPLINE_REQUEST_SECONDS: must be a finite number"),
    "STOPLINE_JOURNAL_ULR": ("sqlite://",
        "STOPLINE_JOURNAL_ULR is not a setting; did you mean STOPLINE_JOURNAL_URL?"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "fault"), [(n, v, f) for n, (v, f) in BAD.items()], ids=BAD.keys()
)
def test_a_bad_value_is_one_line_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, fault: str
) -> None:
    """No traceback, and no value that may be a secret."""
    monkeypatch.setenv(name, value)
    assert fault_of() == fault


def test_a_data_directory_that_cannot_be_made_says_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is blamed for it."""
    (home / "file").touch()
    monkeypatch.setenv("STOPLINE_DATA_DIR", str(home / "file/data"))
    assert fault_of() == (f"STOPLINE_DATA_DIR: cannot be made at {home}/file/data: not a directory")


def test_names_that_others_make_with_our_prefix_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Kubernetes does, for a service that is called stopline."""
    monkeypatch.setenv("STOPLINE_PORT", "tcp://10.0.0.1:80")
    monkeypatch.setenv("STOPLINE_SERVICE_HOST", "10.0.0.1")
    assert Settings().batch == 25


def test_a_setting_that_is_given_by_name_goes_before_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As tests and the drill do."""
    monkeypatch.setenv("STOPLINE_BATCH", "50")
    assert Settings(batch=7, data_dir=home / "x").batch == 7


def test_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any value that is not empty, as no-color.org has it."""
    assert not Settings().no_color
    monkeypatch.setenv("NO_COLOR", "please")
    assert Settings().no_color
