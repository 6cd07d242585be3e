"""A pause of Google Cloud can be finished, and undone, with `gcloud` alone."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

from support.google import ANN
from support.google_nights import Night

from stopline import planner
from stopline.drill.google.server import Google
from stopline.model import Scope
from stopline.planner import inverse
from stopline.render.script import Words, script


def test_every_change_of_a_night_has_its_command_both_ways(google: Google) -> None:
    """The scripts are bash; conditions and the deny travel in files of their own."""
    night = Night(google)
    plan = night.plan()
    for way in (plan, inverse(plan)):
        text = script(way, Words({"gcp": night.connector.commands}))
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
        for change in way.changes:
            assert night.connector.commands(change.address.document, [change], None).lines
    forward = script(plan, Words({"gcp": night.connector.commands}))
    assert forward.count("gcloud iam policies create stopline-j") == 1
    assert "--condition-from-file=" in forward
    back = script(inverse(plan), Words({"gcp": night.connector.commands}))
    assert back.count("gcloud iam policies delete stopline-j") == 1
    assert "add-iam-policy-binding" in back
    assert back.index("add-iam-policy-binding") < back.index("gcloud iam policies delete")
    night.close()


def test_a_part_given_back_by_hand_lifts_the_deny_of_nobody_else(
    google: Google, tmp_path: Path
) -> None:
    """The policy is deleted only where it denies nobody but who is given back; else it is said."""
    night = Night(google)
    night.contain()
    (policy,) = google.state.of_kind("iam.googleapis.com/DenyPolicy")
    (tmp_path / "policy.json").write_text(json.dumps({"rules": policy.data["rules"]}), "utf-8")
    shim = tmp_path / "gcloud"
    shim.write_text(
        f"""#!/bin/sh
echo "$3" >> {tmp_path}/asked
test "$3" != get || cat {tmp_path}/policy.json
""",
        "utf-8",
    )
    shim.chmod(0o755)
    plan = planner.plan_restore("mercor", night.mark.pause, night.book.writes.holds(), Scope())
    denied = [c for c in plan.changes if c.address.kind == "deny-policy-entry"]
    part = [c for c in denied if c.principal == ANN]
    assert 0 < len(part) < len(denied)
    for changes, asked in ((part, "get\n"), (denied, "get\ndelete\n")):
        text = script(
            replace(plan, changes=tuple(changes)), Words({"gcp": night.connector.commands})
        )
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        ran = subprocess.run(
            ["bash"], input=text, text=True, check=False, env=environment, capture_output=True
        )
        assert (tmp_path / "asked").read_text("utf-8") == asked, ran.stderr
        assert ("denies others too" in ran.stderr) == (changes is part)
        (tmp_path / "asked").unlink()
    night.close()
