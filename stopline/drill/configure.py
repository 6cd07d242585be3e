"""The configuration that a drill runs on: the same kind of files that a lab writes."""

import sys
from pathlib import Path
from typing import get_args

import yaml

from stopline.drill import manifest as m
from stopline.drill import organisation as o
from stopline.drill.access import WORKER_ROLE
from stopline.drill.controls import Organization, with_fast_cut
from stopline.drill.manifest import RESEARCH
from stopline.errors import SetupError
from stopline.estate import AwsResource
from stopline.settings import Settings
from stopline.text import Json

MERCOR: Json = {
    "vendor": "mercor",
    "names": ["Mercor"],
    "owner": "data-operations@lab.example",
    "note": "Annotation and rubrics. Call the data lead before you end a pause.",
    "aws": {
        "accounts": list(m.VENDOR_ACCOUNTS),
        "external_ids": [m.EXTERNAL_ID],
        "paths": ["/vendors/mercor/"],
        "tags": {"vendor": "mercor"},
        "principals": [f"arn:aws:iam::{RESEARCH}:user/services/svc-annotation-sync"],
        "canonical_ids": [m.CANONICAL_ID],
        "identity_providers": ["arn:aws:iam::*:saml-provider/mercor-idp"],
        "pool_users": ["*@mercor.example"],
        "preserve": ["evidence-*"],
    },
    "projects": {"chordus": {"aws": {"paths": ["/vendors/mercor/chordus/"]}}},
}
MERCER: Json = {
    "vendor": "mercer",
    "note": "Another company. Its name only looks like mercor's.",
    "aws": {"accounts": [m.LOOKALIKE_ACCOUNT], "paths": ["/vendors/mercer/"]},
}
UNSERVED = (
    "trust-anchors", "anywhere-profiles", "endpoint-connections", "access-grants",
    "delegation-requests", "fpga-images", "datashares", "redshift-endpoints", "signing-profiles",
    "serverless-applications",
    "stream-consumers", "table-streams", "lambda-versions", "package-domains",
    "package-repositories", "table-buckets", "directory-buckets",
    "object-lambdas",
    "mail-identities", "audit-channels", "event-stores", "private-authorities",
    "warehouse-snapshots", "warehouses", "log-account-policies",
)  # fmt: skip
"""Kinds of resources that the emulated AWS cannot list, or has no policies of that take what AWS's
take: the estate leaves them out."""
ESTATE: Json = {
    "aws": {
        "accounts": {
            m.RESEARCH: {"name": "research"},
            m.DATA: {"name": "data"},
            m.PLATFORM: {"name": "platform"},
        },
        "role": WORKER_ROLE,
        "calls_per_second": 200.0,
        "propagation": 0.5,
        "resources": [kind for kind in get_args(AwsResource) if kind not in UNSERVED],
    },
    "protected": {
        "orchestrator": [
            "arn:aws:iam::*:role/stopline/*",
            "arn:aws:iam::*:user/stopline/*",
        ],
        "break_glass": ["arn:aws:iam::*:role/break-glass/*"],
        "log_delivery": ["arn:aws:s3:::lab-audit-logs*"],
    },
    "responders": ["arn:aws:iam::*:role/responders/*"],
}


LEDGER_ID = "V-MERCOR"
"""How the drill's ledger names mercor."""
PAYOUTS = "payouts"
"""The playbook of the drill's pay day."""
_HOW = {
    "payables": "hold",
    "payout-schedules": "manual",
    "payout-intents": "reschedule",
    "in-flight": "let-proceed",
}
_HOLD: Json = {
    "playbook": PAYOUTS,
    "phases": [
        {
            "name": "payouts",
            "rules": [
                {"name": f"hold-{what}", "connector": "payouts", "contains": what, "how": how}
                for what, how in _HOW.items()
            ],
        }
    ],
    "approvals": {"contain": "second-person"},
}


TWO_PEOPLE = "two-people"
"""The playbook of the drill's longest pause: the real one, by which two must approve a rollback."""


class _Quoting(yaml.SafeDumper):
    """Puts digits in quotes: an account whose number begins with 0 would be read as a number."""


_Quoting.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if text.isdigit() else None
    ),
)


def text_of(data: Json) -> str:
    """The data as YAML that is read back as it is."""
    return yaml.dump(data, Dumper=_Quoting)


def write_payouts(folder: Path, ledgers: Json) -> None:
    """Add ledgers, mercor's id in them, and a playbook."""
    basis = "Set-off under section 9 of the agreement; counsel's memorandum of this day."
    payouts = {"vendors": [LEDGER_ID], "legal_basis": basis}
    for name, data in {
        "estate.yaml": ESTATE | {"payouts": {"ledgers": ledgers}},
        "vendors/mercor.yaml": MERCOR | {"payouts": payouts},
        f"playbooks/{PAYOUTS}.yaml": _HOLD,
    }.items():
        (folder / name).write_text(text_of(data), encoding="utf-8")


def say(text: str) -> None:
    """One line to whoever watches."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


MERCOR_GCP: Json = {
    "principals": [o.ETL],
    "domains": ["mercor.example"],
    "customers": [o.CUSTOMER],
    "projects": ["mercor-prod"],
    "project_numbers": ["444455556666"],
    "org_units": [o.UNIT],
    "acknowledged": ["domain-wide-delegation", "resumable-uploads", "analytics-hub"],
    "preserve": [o.BUCKET],
}


def gcp(api_root: str, token_from: str) -> Json:
    """The estate's section of the emulated organisation; the token is a variable's."""
    return {
        "organization": o.ORG,
        "customer": o.OWN_CUSTOMER,
        "api_root": api_root,
        "access_token_from": token_from,
        "calls_per_second": 200.0,
        "deny_reads_per_minute": 10_000,
        "propagation": 0.5,
    }


def write(
    folder: Path,
    playbook: str,
    google: Json = None,
    organization: Organization | None = None,
    app_client: str = "",
) -> None:
    """Write the files; `playbook` is the text of the real one.

    `google` is the estate's section for Google Cloud, where there is one. With an organization
    the playbook begins with a fast cut of it. `app_client` is the id of one of the vendor's.
    """
    estate, mercor, mercer = dict(ESTATE), dict(MERCOR), dict(MERCER)
    if app_client:
        mercor["aws"] = {**mercor["aws"], "app_clients": [app_client]}
    if organization is not None:
        playbook = with_fast_cut(playbook)
        accounts = {**ESTATE["aws"]["accounts"], organization.lab: {"name": "trials"}}
        more = {"accounts": accounts, "organization": organization.section}
        estate["aws"] = {**ESTATE["aws"], **more}
        numbers = [*MERCOR["aws"]["accounts"], organization.vendor]
        mercor["aws"] = {**mercor["aws"], "accounts": numbers}
    if google:
        estate["gcp"], mercor["gcp"] = google, MERCOR_GCP
        mercer["gcp"] = {"domains": ["mercer.example"]}
        own = [*ESTATE["protected"]["orchestrator"], o.WORKER]
        estate["protected"] = {**ESTATE["protected"], "orchestrator": own}
    files = {
        "estate.yaml": text_of(estate),
        "vendors/mercor.yaml": text_of(mercor),
        "vendors/mercer.yaml": text_of(mercer),
        "playbooks/default.yaml": playbook,
        f"playbooks/{TWO_PEOPLE}.yaml": _of_two_people(playbook),
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _of_two_people(playbook: str) -> str:
    said = yaml.safe_load(playbook)
    approvals = {**said.get("approvals", {}), "people": 2}
    return text_of({**said, "playbook": TWO_PEOPLE, "approvals": approvals})


def playbook(settings: Settings) -> str:
    """The text of the real playbook. Raises SetupError where it cannot be read."""
    path = settings.config_dir / "playbooks" / "default.yaml"
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"The drill runs on the real playbook, and {path} cannot be read: {error.strerror}.",
            "Run it where the folder `config` is, or set STOPLINE_CONFIG_DIR.",
        ) from error
