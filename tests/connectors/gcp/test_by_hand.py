"""A pause of Google Cloud can be finished, and undone, with `gcloud` alone."""

import subprocess

from support.google_nights import Night

from stopline.drill.google.server import Google
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
