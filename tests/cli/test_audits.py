"""`stopline audit` and `audits`: what a person and a program are told."""

import json

import pytest
from support.temporal import House

CONFIRM = ("--confirm", "mercor")


def test_an_audit_tells_what_was_opened_again_and_that_it_is_closed(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 while all is as we left it, 8 when not; the history has both."""
    assert house.run("pause", "mercor", "--reason", "breach", *CONFIRM) == 0
    capsys.readouterr()
    assert house.run("audit", "mercor") == 0
    page = capsys.readouterr().out
    assert "memory: sessions opened with the key (2): until 20" in page
    with house.world.lock:
        house.world.principals["annotator"].attached.clear()
        house.world.principals["annotator"].switches["k1"] = "on"
    capsys.readouterr()
    assert house.run("audit", "mercor", "--output", "json") == 8
    said = json.loads(capsys.readouterr().out)
    assert (said["kind"], said["number"], said["clean"]) == ("Audit", 2, False)
    assert {one["kind"] for one in said["drift"]} == {"removed", "regranted"}
    assert house.world.principals["annotator"].switches["k1"] == "off"
    assert house.run("audits", "mercor", "--output", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["clean"] for one in listed["audits"]] == [True, False]
    assert house.run("audits", "mercor") == 0
    assert "The next one: 2" in capsys.readouterr().out
