"""A small `aws` on PATH: the command line of the SDK's own service models, for the emulated AWS.

It takes what the real one takes because both read the same models: commands and options are the
operations' and parameters' names through botocore's `xform_name`; what is no name of the model is
refused, as is a parameter that is missing. The real one pins a botocore of its own, which would
fight the lock. The executable only hands its words on, so that a script of fifty commands does not
start the SDK fifty times. https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-commandstructure.html
"""

import json
import socketserver
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jmespath
from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError, UnknownServiceError

from stopline.drill.access import Access, Credentials

SERVICES = {"s3api": "s3"}
"""What the command line calls otherwise than the SDK."""
USAGE, REFUSED = 252, 254
_EXECUTABLE = """\
#!{python} -SE
import json, os, socket, sys
with socket.create_connection(("127.0.0.1", {port})) as line:
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    line.sendall(json.dumps([sys.argv[1:], [os.environ[k] for k in keys]]).encode() + b"\\n")
    code, out, err = json.loads(line.makefile().readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""
Answer = tuple[int, str, str]
"""The exit code, and what is written on the two streams."""


class UsageError(Exception):
    """Words that the command does not take."""


class AwsCli:
    """What the executable asks. `calls` are the words of every command, in order."""

    def __init__(self, access: Access) -> None:
        """Answer for one emulated estate."""
        self.calls: list[list[str]] = []
        self._access = access
        self._clients: dict[tuple[str, str], Any] = {}

    def answer(self, words: Sequence[str], keys: Sequence[str]) -> Answer:
        """Run one command with somebody's credentials."""
        self.calls.append([*words])
        try:
            service, command, *rest = words
            client = self._client(SERVICES.get(service, service), Credentials(*keys))
            operation = {xform_name(o, "-"): o for o in client.meta.service_model.operation_names}
            given, query, output = parsed(client, operation[command], rest)
            found = getattr(client, xform_name(operation[command]))(**given)
        except (ClientError, ParamValidationError) as error:
            return REFUSED, "", f"\n{error}\n"
        except (UsageError, KeyError, ValueError, UnknownServiceError) as error:
            return USAGE, "", f"aws: error: {error!r}\n"
        found.pop("ResponseMetadata", None)
        found = decoded(found)
        return 0, written(jmespath.search(query, found) if query else found, output), ""

    def _client(self, service: str, who: Credentials) -> Any:
        key = (service, who.key)
        if key not in self._clients:
            self._clients[key] = self._access.as_(who, service)
        return self._clients[key]


def decoded(found: Any) -> Any:
    """Policy documents of IAM as objects, as the real one writes them."""
    if isinstance(found, list):
        return [decoded(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {
        name: json.loads(unquote(one))
        if name.endswith("PolicyDocument") and isinstance(one, str)
        else decoded(one)
        for name, one in found.items()
    }


def parsed(client: Any, operation: str, words: Sequence[str]) -> tuple[Mapping[str, Any], str, str]:
    """The parameters of an operation by their own names, the query and the output format."""
    shape = client.meta.service_model.operation_model(operation).input_shape
    names = {f"--{xform_name(name, '-')}": name for name in (shape.members if shape else ())}
    given: dict[str, Any] = {}
    rest = {"--query": "", "--output": "json", "--region": ""}
    todo = list(words)
    while todo:
        option = todo.pop(0)
        if option in rest:
            rest[option] = todo.pop(0)
        elif option == "--cli-input-json":
            given |= value(todo.pop(0), "structure")
        elif option not in names:
            raise UsageError(f"unknown option {option}")
        elif shape.members[names[option]].type_name == "boolean":
            given[names[option]] = True
        else:
            given[names[option]] = value(todo.pop(0), shape.members[names[option]].type_name)
    return given, rest["--query"], rest["--output"]


def value(text: str, kind: str) -> Any:
    """One value: a text or a file's text, JSON where the parameter has parts."""
    if text.startswith("file://"):
        text = Path(text.removeprefix("file://")).read_text("utf-8")
    return text if kind == "string" else json.loads(text)


def written(found: Any, output: str) -> str:
    """What the real one writes: JSON, or text with tabs between values."""
    if found is None and output == "text":
        return "None\n"
    if output == "json":
        return json.dumps(found, indent=4, default=str) + "\n"
    return "\t".join(map(str, found if isinstance(found, list) else [found])) + "\n"


@contextmanager
def aws_on_path(access: Access, folder: Path) -> Iterator[AwsCli]:
    """Put the executable into the folder, and answer it for as long as this lasts."""
    cli = AwsCli(access)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words, keys = json.loads(self.rfile.readline())
            self.wfile.write(json.dumps(cli.answer(words, keys)).encode() + b"\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        folder.mkdir(parents=True, exist_ok=True)
        executable = folder / "aws"
        port = server.server_address[1]
        executable.write_text(_EXECUTABLE.format(python=sys.executable, port=port), "utf-8")
        executable.chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield cli
        finally:
            server.shutdown()
            thread.join()
