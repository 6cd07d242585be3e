"""Write the roles that the connectors' declarations make, or say which are not fresh."""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from stopline.connectors.aws.permissions import PERMISSIONS
from stopline.connectors.aws.policies import policies, text_of
from stopline.connectors.gcp.permissions import roles, workspace

FOLDER = Path("config") / "permissions" / "aws"
GCP = Path("config") / "permissions" / "gcp"
PAGE = Path("docs") / "how-to" / "run-in-production.md"
_BEGIN, _END = "<!-- permissions of aws -->", "<!-- end of permissions -->"
_NOTE = "# Made by `make permissions`: gcloud iam roles create NAME --organization=ID --file=THIS\n"
_IN_CONSOLE = "# Made by `make permissions`: roles to be made in the Admin console of Workspace\n"


def texts(folder: Path = FOLDER) -> dict[str, str]:
    """The text that each file of a folder must have, by its name."""
    if folder.name == GCP.name:
        made = {name: yaml.safe_dump(role, sort_keys=False) for name, role in roles().items()}
        in_console = yaml.safe_dump(workspace(), sort_keys=False)
        of_workspace = {"workspace.yaml": f"{_IN_CONSOLE}{in_console}"}
        return {f"{name}.yaml": f"{_NOTE}{text}" for name, text in made.items()} | of_workspace
    return {f"{name}.json": text_of(policy) for name, policy in policies().items()}


def stale(folder: Path) -> list[str]:
    """The files that are not what the declaration makes, and those that nothing makes."""
    files = (path for path in folder.glob("*") if path.suffix in (".json", ".yaml"))
    there: Mapping[str, str] = {path.name: path.read_text("utf-8") for path in files}
    wanted = texts(folder)
    return sorted(name for name in {*there, *wanted} if there.get(name) != wanted.get(name))


def write(folder: Path) -> None:
    """Write all of them, and remove what nothing makes any more."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in stale(folder):
        (folder / name).unlink(missing_ok=True)
    for name, text in texts(folder).items():
        (folder / name).write_text(text, "utf-8")


def listed(text: str) -> str:
    """The page of rights with its table of AWS's as the connector declares them."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    said = sorted((action, kind) for kind, actions in PERMISSIONS.items() for action in actions)
    lines = "".join(f"| `{action}` | {kind} |\n" for action, kind in said)
    return f"{before}{_BEGIN}\n| permission | for |\n|---|---|\n{lines}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(listed(PAGE.read_text("utf-8")), "utf-8")
    for made in (FOLDER, GCP):
        write(made)
        sys.stderr.write(f"{made}: {', '.join(sorted(texts(made)))}\n")
