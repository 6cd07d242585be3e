"""Where recovery sheets are kept: a folder, or an S3 bucket. Outside of the journal by intention.

Writing one never waits long: it stands before the first write of a containment.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stopline.errors import SetupError

SCHEME = "s3://"
CONNECT_SECONDS, READ_SECONDS = 3, 5
_ONCE = Config(
    connect_timeout=CONNECT_SECONDS,
    read_timeout=READ_SECONDS,
    retries={"mode": "standard", "total_max_attempts": 1},
)
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a sheet was written, and what is wrong with that place, if anything."""

    where: str
    wrong: str = ""


class Place(Protocol):
    """Keeps the files of one pause together."""

    def keep(self, name: str, files: Mapping[str, str]) -> Kept:
        """Write the files (by path inside the pause's folder), over what is there.

        Raises SetupError when not all of them could be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine, or one that is mounted. Its owner alone can read it."""

    path: Path

    def keep(self, name: str, files: Mapping[str, str]) -> Kept:
        """Each file appears whole or not at all, and is on the disk when this returns."""
        where = self.path / name
        try:
            for file, text in files.items():
                target = where / file
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _whole(target, text)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise SetupError(
                f"The recovery sheet could not be written to {where}: {reason}.",
                "Give it space and rights, or let STOPLINE_RECOVERY name another place.",
            ) from error
        return Kept(str(where))


def _whole(target: Path, text: str) -> None:
    with NamedTemporaryFile(  # made with mode 0600
        "w", encoding="utf-8", newline="", dir=target.parent, prefix=".writing-", delete=False
    ) as file:
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _client() -> Any:
    region = boto3.Session().region_name or REGION
    return boto3.client("s3", region_name=region, config=_ONCE)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, written with the worker's own credentials. Its versions are the older sheets.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
    """

    name: str
    prefix: str
    client: Callable[[], Any] = _client

    def keep(self, name: str, files: Mapping[str, str]) -> Kept:
        """One object for each file; says so when the bucket keeps no versions of them."""
        inside = f"{self.prefix}/{name}".strip("/")
        where = f"{SCHEME}{self.name}/{inside}"
        try:
            s3 = self.client()
            for file, text in files.items():
                key = f"{inside}/{file}"
                s3.put_object(Bucket=self.name, Key=key, Body=text.encode())
            return Kept(where, self._versions(s3))
        except (BotoCoreError, ClientError) as error:
            raise SetupError(
                f"The recovery sheet could not be written to {where}: {error}",
                "The worker needs s3:PutObject there; or let STOPLINE_RECOVERY name another place.",
            ) from error

    def _versions(self, s3: Any) -> str:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html"""
        try:
            status = s3.get_bucket_versioning(Bucket=self.name).get("Status", "off")
        except ClientError as error:
            return f"whether the bucket keeps versions could not be read: {error}"
        if status == "Enabled":
            return ""
        return f"versioning of the bucket is {status.lower()}: a sheet that is overwritten is lost"


def place_of(setting: str) -> Place:
    """The place that a setting names: `s3://bucket/prefix`, or a folder."""
    if not setting.startswith(SCHEME):
        return Folder(Path(setting))
    parts = urlsplit(setting)
    return Bucket(parts.netloc, parts.path.strip("/"))
