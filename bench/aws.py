"""What a large estate of AWS costs to read and to contain: calls, memory, and waiting for limits.

`python -m bench.aws`. The emulated AWS holds ten accounts; one in ten users, roles and buckets is
the vendor's. IAM is modelled to take so many calls a second of an account, and refuses the rest, as
the real one does by limits that nobody publishes. Seconds are the emulator's as well: what counts
is the ratio to what the modelled limit alone would take.
"""

import argparse
import os
import re
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.session import Session, get_session

from bench.planning import plan
from bench.side import MIB
from stopline import planner
from stopline.connectors.aws import AwsConnector
from stopline.connectors.aws.clients import Clients
from stopline.drill.access import REGION, WORKER_ROLE, Access
from stopline.drill.emulator import Emulator
from stopline.engine import Errand, apply
from stopline.estate import AwsEstate
from stopline.journal.book import Book, open_book
from stopline.model import Change, Direction, Scope
from stopline.port import Mark
from stopline.text import canonical
from stopline.vendors import Vendor

ACCOUNTS = tuple(str(100_000_000_000 + number) for number in range(10))
THEIRS, PATH = "444455556666", "/vendors/mercor/"
EVERY = 10
"""One in so many is the vendor's."""
A_SECOND, BURST = 10.0, 20.0
"""What IAM takes of an account in the model: calls a second, and at once."""
MARK = Mark("0a1b2c3d", "00000001")
VENDOR = Vendor.model_validate({"vendor": "mercor", "aws": {"accounts": [THEIRS], "paths": [PATH]}})
RULES = (("users", "deny-all"), ("roles", "deny-all"), ("access-keys", "inactive"),
         ("buckets", "vendor"))  # fmt: skip
_CREDENTIAL = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)/")
_REFUSED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"
    "<Message>Rate exceeded</Message></Error></ErrorResponse>"
)


class _Raw:
    """A body that is read once, as urllib3's is."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, *_: Any, **__: Any) -> Iterable[bytes]:
        """All of it."""
        yield self.body


@dataclass
class Limits:
    """A bucket of tokens for each account of IAM. Counts what was sent, and what was refused."""

    sent: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: int = 0
    _left: dict[str, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def session(self) -> Session:
        """A session of the SDK whose calls are counted and limited."""
        session = get_session()
        answering: Any = self._sending  # more than the stubs know: what is returned is the answer
        session.register("before-send", answering)
        return session

    def _sending(self, request: Any, **_: Any) -> AWSResponse | None:
        said = request.headers.get("Authorization", b"")
        found = _CREDENTIAL.search(said if isinstance(said, str) else said.decode())
        key, service = found.groups() if found else ("", "")
        with self._lock:
            self.sent[key, service] += 1
            if service != "iam" or self._taken(key):
                return None
            self.refused += 1
        headers: Any = HeadersDict({"Content-Type": "text/xml"})
        raw: Any = _Raw(_REFUSED.encode())
        return AWSResponse(request.url, 400, headers, raw)

    def _taken(self, key: str) -> bool:
        now = time.monotonic()
        left, at = self._left.get(key, (BURST, now))
        left = min(BURST, left + (now - at) * A_SECOND)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def bound(self, before: Counter[tuple[str, str]]) -> float:
        """Seconds that the limit alone takes for what was sent since: the account with most."""
        since = self.sent - before
        most = max((n for (_, service), n in since.items() if service == "iam"), default=0)
        return max(0.0, most - BURST) / A_SECOND


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one size: changes, calls by service, seconds, and MiB of memory that planning took."""

    changes: int
    reading: Counter[str]
    memory: float
    contained: float
    bound: float
    refused: int


# --- the estate ----------------------------------------------------------------------------------


def seed(access: Access, users: int, buckets: int) -> None:
    """As many roles as users, evenly over the accounts."""
    trust = {"Version": "2012-10-17", "Statement": []}
    with ThreadPoolExecutor(8) as pool:
        for number in range(users):
            pool.submit(_principals, access, number, canonical(trust))
        for number in range(buckets):
            pool.submit(_bucket, access, number)


def _principals(access: Access, number: int, trust: str) -> None:
    iam = access.client(ACCOUNTS[number % len(ACCOUNTS)], "iam")
    path = PATH if number // len(ACCOUNTS) % EVERY == 0 else "/staff/"
    iam.create_user(UserName=f"user-{number:04d}", Path=path)
    iam.create_role(RoleName=f"role-{number:04d}", Path=path, AssumeRolePolicyDocument=trust)


def _bucket(access: Access, number: int) -> None:
    s3 = access.client(ACCOUNTS[number % len(ACCOUNTS)], "s3")
    name = f"bench-{number:04d}"
    s3.create_bucket(Bucket=name)
    if number // len(ACCOUNTS) % EVERY == 0:
        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{THEIRS}:root"},
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{name}/*",
        }
        policy = canonical({"Version": "2012-10-17", "Statement": [allow]})
        s3.put_bucket_policy(Bucket=name, Policy=policy)


# --- what is measured ----------------------------------------------------------------------------


def memory() -> float:
    """The largest that this process was so far, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def carry_out(
    connector: AwsConnector, book: Book, work: Iterable[Change], direction: Direction
) -> None:
    """The accounts side by side, each document after another."""
    by_account: dict[str, list[Change]] = {}
    for change in work:
        by_account.setdefault(change.address.realm, []).append(change)

    def one(account: str) -> None:
        errand = Errand(MARK.pause, direction, f"{direction}-{account}", "bench")
        for receipts in apply(connector, book.writes, errand, by_account[account]):
            if bad := [r for r in receipts if r.outcome not in ("applied", "already")]:
                raise SystemExit(f"{bad[0].outcome}: {bad[0].detail}")

    with ThreadPoolExecutor(len(ACCOUNTS)) as pool:
        list(pool.map(one, by_account))


def timed(what: Callable[[], object]) -> float:
    """Seconds that something took."""
    began = time.monotonic()
    what()
    return time.monotonic() - began


def run(users: int, buckets: int, folder: Path) -> Figures:
    """Plan, contain and restore an estate of so many users, as many roles, and buckets."""
    with Emulator(folder) as emulator:
        os.environ |= {
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": REGION,
        }
        seed(Access(emulator.url, ACCOUNTS), users, buckets)
        section = {"accounts": {n: {} for n in ACCOUNTS}, "role": WORKER_ROLE, "resources": []}
        limits = Limits()
        clients = Clients(AwsEstate.model_validate(section), session=limits.session)
        connector, book = AwsConnector(clients, 0.0), open_book(f"sqlite:///{folder}/journal.db")
        was = memory()
        work = plan(connector, VENDOR, RULES, MARK)
        reading = Counter[str]()
        for (_, service), calls in limits.sent.items():
            reading[service] += calls
        grown, before = memory() - was, limits.sent.copy()
        contained = timed(lambda: carry_out(connector, book, work, Direction.CONTAIN))
        bound = limits.bound(before)
        holds = book.writes.holds()
        back = planner.plan_restore("mercor", MARK.pause, holds, Scope()).work
        carry_out(connector, book, back, Direction.RESTORE)
        book.close()
    return Figures(len(work), reading, grown, contained, bound, limits.refused)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1000, help="and as many roles")
    parser.add_argument("--buckets", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(asked.users, asked.buckets, Path(folder))
    calls = ", ".join(f"{service} {n}" for service, n in sorted(found.reading.items()))
    sys.stdout.write(
        f"{asked.users} users, {asked.users} roles, {asked.buckets} buckets, {len(ACCOUNTS)} "
        f"accounts: planned with {calls} calls and {found.memory:.0f} MiB more; {found.changes} "
        f"changes contained in {found.contained:.1f} s, the limit alone {found.bound:.1f} s; "
        f"{found.refused} calls refused and sent again\n"
    )


if __name__ == "__main__":
    main()
