"""The golden plan of the drill's Google Cloud: read from the emulated Google, and reviewed here."""

import json
from io import StringIO

import pytest
from rich.console import Console
from support.held import held_to
from support.recording import CUT, FIRST, FOLDER, JOURNAL
from support.tree import ROOT

from stopline import guards, planner
from stopline.connectors.gcp import GcpConnector
from stopline.connectors.gcp.clients import Clients
from stopline.drill import organisation as o
from stopline.drill.configure import MERCOR_GCP, gcp
from stopline.drill.google.building import build
from stopline.drill.google.server import Google
from stopline.estate import Estate
from stopline.model import Scope
from stopline.playbook import parse_playbook
from stopline.port import Mark, Terms
from stopline.render.documents import plan_document
from stopline.render.page import shown
from stopline.render.plan import Shown, plan_page
from stopline.text import Json
from stopline.vendors import Vendor

GOLDEN = FOLDER.parent
TOKEN = "STOPLINE_GOLDEN_GOOGLE_TOKEN"
VENDOR = Vendor.model_validate({"vendor": "mercor", "gcp": MERCOR_GCP})
DATASET = f"bigquery.googleapis.com/projects/{o.PROJECT}/datasets/{o.ANSWERS}"


def test_the_plan_of_the_drills_google_cloud_is_as_it_was_reviewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the playbook that is shipped; its document and its page are what their files hold."""
    monkeypatch.setenv(TOKEN, o.WORKER)
    text = (ROOT / "config" / "playbooks" / "default.yaml").read_text("utf-8")
    playbook = parse_playbook(text, "default.yaml")
    with Google(build(o.told(1))) as google:
        protected: Json = {"orchestrator": [o.WORKER]}
        told: Json = {"gcp": gcp(google.url, TOKEN), "protected": protected}
        estate = Estate.model_validate(told)
        assert estate.gcp is not None
        connector = GcpConnector(Clients(estate.gcp), estate.gcp.propagation)
        found = planner.snapshot_of("mercor", connector.discover(VENDOR, Scope()), "")
        connector.clients.close()
    terms = Terms(VENDOR, playbook, Mark(JOURNAL, FIRST), estate=estate, cut_at=CUT)
    opinions = planner.Opinions({"gcp": connector.contained}, {"gcp": connector.residuals})
    standing = planner.Standing((), protected=(o.WORKER,))
    plan = planner.plan_containment(found, terms, Scope(), standing, opinions)
    findings = guards.guard(plan, found, guards.Bounds(estate, playbook.limits))
    assert [c for c in plan.changes if c.address.id.startswith(f"{DATASET}#")]
    document = plan_document(plan, findings, found.counted)
    whole = json.dumps(document, indent=1, ensure_ascii=False)
    held_to(GOLDEN / "google.json", f"{whole}\n")
    out = StringIO()
    phases = tuple(phase.name for phase in playbook.phases)
    page = plan_page(plan, findings, Shown(phases, found.counted, most=10_000))
    Console(file=out, width=120, color_system=None, emoji=False).print(shown(page), crop=False)
    held_to(GOLDEN / "google.txt", "".join(f"{s.rstrip()}\n" for s in out.getvalue().splitlines()))
