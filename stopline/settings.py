"""What this installation is set to. The only reader of the environment, prefix `STOPLINE_`.

Temporal's address is not here: Temporal's own configuration has it
(https://docs.temporal.io/develop/environment-configuration). Nor is anything of AWS: the SDK's
own environment and profiles have that.
"""

import getpass
import os
import re
import socket
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from stopline.errors import ConfigError

PREFIX = "STOPLINE_"
DATABASES = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
SAME = 0.85
"""How alike a variable's name must be to one of ours to be taken for a slip of the finger."""


def _xdg(variable: str, fallback: str) -> Path:
    """A folder of the XDG base directory specification, which ignores relative values.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    told = os.environ.get(variable, "")
    return Path(told) if Path(told).is_absolute() else Path("~").expanduser() / fallback


def _config_dir() -> Path:
    here = Path("config")
    return here if here.is_dir() else _xdg("XDG_CONFIG_HOME", ".config") / "stopline"


def _data_dir() -> Path:
    return _xdg("XDG_DATA_HOME", ".local/share") / "stopline"


def _identity() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _journal(found: dict[str, Any]) -> str:
    return f"sqlite:///{quote(str(found['data_dir']), safe='/ :')}/journal.db"


def _sheets(found: dict[str, Any]) -> str:
    return str(found["data_dir"] / "recovery")


def _place(text: str) -> str:
    """A folder, made absolute, or `s3://bucket/prefix`."""
    if "://" not in text:
        return str(Path(text).expanduser().absolute())
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/[^?#]*)?", text):
        raise ValueError("must be a folder, or s3://bucket/prefix")
    return text


def _database(url: str) -> str:
    if url.partition("://")[0] not in DATABASES or "://" not in url:
        raise ValueError("must be a database URL: sqlite:///… or postgresql://…")
    return url


def _made(folder: Path) -> Path:
    """Make the data directory for its owner alone: it holds the state before every change."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "it failed").lower()
        raise ValueError(f"cannot be made at {folder}: {reason}") from None
    return folder


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line of text that is not empty")
    return value.strip()


def masked(url: str) -> str:
    """A database URL that can be shown: without its password, and without its query."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    login, at, host = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{scheme}://{user}{':***' if colon else ''}{at}{host}"


class Settings(BaseSettings):
    """The settings, from the environment or given by name. Raises ConfigError on a bad one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", validate_default=True, env_ignore_empty=True
    )

    config_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=_config_dir
    )
    """The folder of estate.yaml, vendors/ and playbooks/."""
    data_dir: Annotated[Path, AfterValidator(_made)] = Field(default_factory=_data_dir)
    """Where the journal and the embedded server's database are. Made with mode 0700."""
    journal_url: Annotated[str, AfterValidator(_database)] = Field(
        default_factory=_journal, repr=False
    )
    """The journal's database. May hold a password: show `journal_shown` instead."""
    journal_key: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """The file of Fernet keys, one in a line, by which the journal's documents are encrypted."""
    recovery: Annotated[str, AfterValidator(_place)] = Field(default_factory=_sheets)
    """Where recovery sheets are written: a folder, or `s3://bucket/prefix`."""
    identity: Annotated[str, AfterValidator(_one_line)] = Field(default_factory=_identity)
    """Who acts: the requester of a pause, the approver of a rollback."""
    signing_key: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """Your OpenSSH key, with which `stopline approve` signs. Never read by the worker."""
    evidence_key: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """The Ed25519 private key that signs bundles of evidence."""
    request_seconds: float = Field(default=15, gt=0, allow_inf_nan=False)
    """The longest that one request to a system of record can take, its retries included."""
    lease_seconds: float = Field(default=30, gt=0, allow_inf_nan=False)
    """How long a document is ours to write; longer than any request."""
    threads: int = Field(default=16, ge=1, le=256)
    """How many activities one worker runs side by side."""
    batch: int = Field(default=25, ge=1, le=200)
    """Changes in one activity."""
    window: int = Field(default=4, ge=1, le=64)
    """Batches in flight for one account."""
    read_only: bool = False
    """Whether this worker only reads: it assesses, and has no way to contain or restore."""
    log_format: Literal["auto", "console", "json"] = "auto"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = (
        "INFO"
    )
    no_color: bool = False
    """Whether NO_COLOR is set to anything: https://no-color.org/ ."""

    def __init__(self, **values: Any) -> None:
        """Read the environment for all that is not given."""
        values.setdefault("no_color", bool(os.environ.get("NO_COLOR")))
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _config_error(error.errors(include_url=False, include_input=False)) from None
        except RuntimeError:  # what pathlib raises where a user has no home
            raise ConfigError(
                "This user has no home directory; nothing was started.",
                f"Set {PREFIX}CONFIG_DIR and {PREFIX}DATA_DIR.",
            ) from None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.lease_seconds <= self.request_seconds:
            raise ValueError(
                f"{PREFIX}LEASE_SECONDS ({self.lease_seconds:g}) must be more than "
                f"{PREFIX}REQUEST_SECONDS ({self.request_seconds:g})"
            )
        for name in sorted(os.environ):
            if name.startswith(PREFIX) and (near := _slip(name)):
                raise ValueError(f"{name} is not a setting; did you mean {near}?")
        return self

    @property
    def journal_shown(self) -> str:
        """The journal's database without its password."""
        return masked(self.journal_url)


def _variables() -> list[str]:
    return [PREFIX + name.upper() for name in Settings.model_fields if name != "no_color"]


def _slip(name: str) -> str:
    """The variable of ours that a name was probably meant to be, or nothing.

    A misspelt journal would be another journal. Other names with our prefix are left alone:
    Kubernetes makes some (`STOPLINE_PORT`) for a service that is called stopline.
    """
    known = _variables()
    near = get_close_matches(name.upper(), known, n=1, cutoff=SAME)
    return "" if name.upper() in known or not near else near[0]


def _config_error(errors: list[ErrorDetails]) -> ConfigError:
    lines = []
    for error in errors:
        if error["type"] == "default_factory_not_called":
            continue  # its cause is in the list
        variable = PREFIX + str(error["loc"][0]).upper() if error["loc"] else ""
        lines.append(f"{variable}: {_message(error)}" if variable else _message(error))
    return ConfigError("\n".join(lines), "Correct the environment; nothing was started.")


def _message(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a setting"
    if error["type"] == "value_error":
        return str(error.get("ctx", {})["error"])
    first, rest = error["msg"][:1].lower(), error["msg"][1:]
    return f"{first}{rest}".replace("input should", "must")


def variable(name: str) -> str:
    """A secret that a file of ours names and does not hold; empty where it is not set.

    Only a worker asks, and only when it needs it: the value is kept nowhere.
    """
    return os.environ.get(name, "")


def secret(name: str) -> str:
    """The same for what notices are sent with. Raises ConfigError where it is not set."""
    value = variable(name)
    if not value:
        raise ConfigError(
            f"The environment variable {name} is not set; nothing was sent.",
            "Set it for the worker; config/notices.yaml names it.",
        )
    return value


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises ConfigError naming each bad variable."""
    return Settings()
