"""A PostgreSQL of the drill's own: real, on a free loopback port, in a folder that goes with it.

Its programs are taken from PATH or from where distributions put them; no cluster that is there
already is looked at. PostgreSQL refuses to run as root, so root starts it as another user, in a
folder of that user's. https://www.postgresql.org/docs/current/app-initdb.html
"""

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stopline.entrypoints.embedded import free_port
from stopline.errors import SetupError

PROGRAMS = ("initdb", "pg_ctl", "postgres")
PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # PostgreSQL's own packages for Red Hat
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)
USER = DATABASE = "postgres"
_UNPRIVILEGED = ("postgres", "nobody")
_START_SECONDS = 60


def programs() -> Path | None:
    """The folder of PostgreSQL's programs: the newest where there are several, None for none."""
    on_path = shutil.which("initdb")
    found = [Path(on_path).resolve().parent] if on_path else []
    for place in PLACES:
        found += sorted(Path("/").glob(place[1:]), key=_version, reverse=True)
    return next((f for f in found if all((f / name).exists() for name in PROGRAMS)), None)


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


@dataclass
class Postgres:
    """One server, from `start` to `stop`, in `folder`. `settings` are lines of postgresql.conf."""

    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    folder: Path = field(init=False)
    _bin: Path = field(init=False, repr=False)
    _password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def url(self, database: str = DATABASE) -> str:
        """What STOPLINE_JOURNAL_URL must be. Holds a password that was made for this server."""
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The process id; 0 when it is not running."""
        try:
            return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        except (AttributeError, OSError, IndexError):
            return 0

    def start(self) -> None:
        """Make a cluster, start it, and wait until it answers.

        Raises SetupError when PostgreSQL is not installed, or with the end of what it said.
        """
        found = programs()
        if found is None:
            raise SetupError(
                "PostgreSQL is not installed; nothing was started.",
                "Install it (Debian: `apt-get install postgresql`), or put initdb on PATH.",
            )
        self._bin = found
        self.folder = Path(tempfile.mkdtemp(prefix="stopline-postgresql-"))
        try:
            self._start()
        except SetupError:
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _start(self) -> None:
        secret = self.folder / "password"
        secret.write_text(self._password, encoding="ascii")
        self._hand_over(self.folder, secret)
        self._run(
            *("initdb", "--pgdata", "data", "--username", USER, "--pwfile", "password"),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )
        secret.unlink()
        self._configure()
        waiting = ("--wait", "--timeout", str(_START_SECONDS))
        self._run("pg_ctl", "start", "--pgdata", "data", "--log", "postgresql.log", *waiting)

    def stop(self) -> None:
        """End it; once is enough. The folder stays, and is the caller's to remove."""
        if self.pid:
            self._call("pg_ctl", "stop", "--pgdata", "data", "--mode", "fast", "--wait")

    def _configure(self) -> None:
        lines = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **self.settings,
        }
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="ascii") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in lines.items())

    def _hand_over(self, *paths: Path) -> None:
        if user := _other_user():
            for path in paths:
                shutil.chown(path, user)

    def _run(self, program: str, *words: str) -> None:
        failed = f"PostgreSQL's {program} failed; nothing was started."
        try:
            code = self._call(program, *words)
        except OSError as error:  # such as a folder that the other user may not enter
            raise SetupError(failed, str(error)) from error
        if code:
            raise SetupError(failed, self._said(program))

    def _call(self, program: str, *words: str) -> int:
        user = _other_user()
        with (self.folder / f"{program}.log").open("wb") as said:  # a pipe would wait
            return subprocess.run(  # noqa: S603 - PostgreSQL's own programs, no shell
                [self._bin / program, *words],
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, or not
                check=False,
            ).returncode

    def _said(self, program: str) -> str:
        logs = (self.folder / f"{program}.log", self.folder / "postgresql.log")
        return "\n".join(log.read_text("utf-8", "replace")[-1000:] for log in logs if log.exists())


def _other_user() -> str | None:
    """Whom root runs it as; None where we are not root, or know nobody else."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in _UNPRIVILEGED if name in known), None)
