"""config/notices.yaml: who is told and how; what is refused, by file and line."""

from pathlib import Path

import pytest

from stopline.audiences import Audience, parse_notices
from stopline.configuration import load
from stopline.errors import ConfigError

NAMES = {"mercor": ("mercor", "Mercor.io"), "mercer": ("mercer", "Mercer")}
CHANNELS = """\
contact: "+1 555 0100, the incident bridge"
channels:
  room: {kind: slack, secret: NOTICES_SLACK, to: C0123}
  shared: {kind: slack, secret: NOTICES_SLACK, to: C0999, shared_with: [mercor]}
  mail: {kind: email, secret: NOTICES_SMTP, host: smtp.lab.example, sender: stopline@lab.example}
  hook: {kind: webhook, secret: NOTICES_HOOK, url: "https://hooks.lab.example/x"}
  theirs: {kind: webhook, secret: NOTICES_HOOK, url: "https://hooks.mercor.com:8443/x"}
  pager: {kind: pagerduty, secret: NOTICES_PAGER}
"""
WHOLE = f"""{CHANNELS}audiences:
  responders: [{{channel: room}}, {{channel: pager}}, {{channel: hook}}]
  legal: [{{channel: mail, to: [counsel@lab.example]}}]
vendors:
  mercor:
    domains: [mercor-talent.example]
    vendor: [{{channel: mail, to: [security@mercor.com]}}]
"""


def test_a_whole_file_says_who_is_told_about_which_vendor() -> None:
    """Inside audiences hear of every vendor, the outside ones of their own."""
    notices = parse_notices(WHOLE, "notices.yaml", NAMES)
    told = [(audience, route.channel) for audience, route in notices.routes("mercor")]
    assert told == [
        (Audience.RESPONDERS, "room"),
        (Audience.RESPONDERS, "pager"),
        (Audience.RESPONDERS, "hook"),
        (Audience.LEGAL, "mail"),
        (Audience.VENDOR, "mail"),
    ]
    assert Audience.VENDOR not in [audience for audience, _ in notices.routes("mercer")]


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        ("{channel: mail, to: [ceo@mercor.com]}", "domain of mercor"),
        ("{channel: mail, to: [ceo@eu.MERCOR.io]}", "domain of mercor"),
        ("{channel: mail, to: [a@lab.example, b@x.mercor-talent.example]}", "domain of mercor"),
        ("{channel: mail, to: [hr@mercer.example]}", "domain of mercer"),
        ("{channel: shared}", "shared with mercor"),
        ("{channel: theirs}", "leads to mercor"),
        ("{channel: rom}", "did you mean 'room'"),
        ("{channel: mail}", "at least one address"),
        ("{channel: room, to: [a@lab.example]}", "takes no addresses"),
        ("{channel: mail, to: [nobody]}", "not an e-mail address"),
    ],
)
def test_a_way_that_the_vendor_may_read_or_that_leads_nowhere_is_refused(
    route: str, fault: str
) -> None:
    """One message with file and line; the vendor's mailboxes may be the attacker's."""
    outside = "vendors:\n  mercor: {domains: [mercor-talent.example]}\n"
    text = f"{CHANNELS}audiences:\n  responders: [{route}]\n{outside}"
    with pytest.raises(ConfigError) as refused:
        parse_notices(text, "notices.yaml", NAMES)
    assert refused.value.what.startswith("notices.yaml:10: ")
    assert fault in refused.value.what


@pytest.mark.parametrize(
    ("channel", "fault"),
    [
        ("{kind: slack, secret: xoxb-1234-secret, to: C1}", "name of an environment variable"),
        ("{kind: slack, secret: NOTICES_X}", "needs 'to'"),
        ("{kind: email, secret: NOTICES_X, host: h}", "needs 'sender'"),
        ("{kind: webhook, secret: NOTICES_X}", "needs 'url'"),
        ("{kind: webhook, secret: NOTICES_X, url: 'http://hooks.lab.example/'}", "https URL"),
        ("{kind: pagerduty, secret: NOTICES_X, host: h}", "has no 'host'"),
        ("{kind: fax, secret: NOTICES_X}", "must be"),
    ],
)
def test_a_channel_that_cannot_work_is_refused(channel: str, fault: str) -> None:
    """What a kind needs and does not take; and a secret is never repeated in a message."""
    text = f"contact: c\nchannels:\n  one: {channel}\n"
    with pytest.raises(ConfigError) as refused:
        parse_notices(text, "notices.yaml")
    assert refused.value.what.startswith("notices.yaml:3: ")
    assert fault in refused.value.what
    assert "xoxb" not in refused.value.what


def test_the_file_is_optional_and_checked_with_the_others(tmp_path: Path) -> None:
    """Without it there are no notices; a broken one is a fault of the configuration."""
    assert load(tmp_path).notices() is None
    (tmp_path / "notices.yaml").write_text("channels: {}\n")
    assert any("notices.yaml" in fault.what for fault in load(tmp_path).check())
