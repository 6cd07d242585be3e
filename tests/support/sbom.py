"""`make sbom`: what is installed here as a CycloneDX 1.6 document on stdout. No address is in it.

Our own few lines: the usual tool would bring nineteen distributions more, to list a hundred. What
requirements.lock does not name is there to build and to test, and is marked `excluded`.
https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import sys
import uuid
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from stopline import installation
from stopline.text import Json, canonical

OURS = "stopline"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def sbom(packages: Path, lock: str) -> Json:
    """The bill of materials of a folder of packages; the same for the same packages."""
    found = {canonicalize_name(d.name): d for d in distributions(path=[str(packages)])}
    runs = {canonicalize_name(name) for name in _PIN.findall(lock)}
    ours = found.pop(canonicalize_name(OURS))
    components = [_component(found[name], runs=name in runs) for name in sorted(found)]
    everything = {**found, canonicalize_name(OURS): ours}
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component(ours, runs=True) | {"type": "application"}},
        "components": components,
        "dependencies": [
            {"ref": _ref(d), "dependsOn": sorted(_needs(d, everything))}
            for _, d in sorted(everything.items())
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, canonical(body))
    return {**body, "serialNumber": serial.urn}


def _ref(distribution: Distribution) -> str:
    return f"pkg:pypi/{canonicalize_name(distribution.name)}@{distribution.version}"


def _component(distribution: Distribution, *, runs: bool) -> Json:
    component = {
        "type": "library",
        "bom-ref": _ref(distribution),
        "name": canonicalize_name(distribution.name),
        "version": distribution.version,
        "purl": _ref(distribution),
        "scope": "required" if runs else "excluded",
    }
    licence = distribution.metadata["License-Expression"]
    return {**component, "licenses": [{"expression": licence}]} if licence else component


def _needs(distribution: Distribution, found: dict[str, Distribution]) -> Iterator[str]:
    """What it asks for and is there; extras that nobody chose are not followed."""
    for text in distribution.requires or ():
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name in found and (
            requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        ):
            yield _ref(found[name])


def missing(lock: str, bill: Json) -> list[str]:
    """The distributions of a lock that a bill does not list: for another platform, or not there."""
    listed = {component["name"] for component in bill["components"]}
    return sorted(set(_names(lock)) - listed)


def _names(lock: str) -> Iterable[str]:
    return map(canonicalize_name, _PIN.findall(lock))


if __name__ == "__main__":
    lock_ = Path("requirements.lock").read_text("utf-8")
    bill_ = sbom(installation.folder(), lock_)
    sys.stdout.write(f"{json.dumps(bill_, indent=2, sort_keys=True)}\n")
