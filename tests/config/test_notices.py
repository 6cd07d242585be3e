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
  other: {kind: webhook, secret: NOTICES_HOOK, url: "https://lab.example.mercor.com/x"}
  pager: {kind: pagerduty, secret: NOTICES_PAGER}
  talk: {kind: slack, secret: NOTICES_SLACK, to: C0123, url: "https://slack.mercor.com/api"}
  beep: {kind: pagerduty, secret: NOTICES_PAGER, url: "https://events.mercor.com"}
  post: {kind: email, secret: NOTICES_SMTP, host: smtp.mercor.com, sender: stopline@lab.example}
  back: {kind: email, secret: NOTICES_SMTP, host: smtp.lab.example, sender: lab@mercor.com}
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
        ("{channel: other}", "leads to mercor"),
        ("{channel: talk}", "leads to mercor"),
        ("{channel: beep}", "leads to mercor"),
        ("{channel: post, to: [ceo@lab.example]}", "leads to mercor"),
        ("{channel: back, to: [ceo@lab.example]}", "answers to lab@mercor.com"),
        ("{channel: room}, {channel: room}", "told twice over room"),
        ("{channel: mail, to: [a@lab.example, A@lab.example]}", "told twice over mail"),
        (
            "{channel: mail, to: [a@lab.example]}, {channel: mail, to: [a@lab.example]}",
            "told twice over mail",
        ),
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
    assert refused.value.what.startswith("notices.yaml:15: ")
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


@pytest.mark.parametrize(
    ("escalation", "fault"),
    [
        ("{minutes: 0, levels: [[{channel: pager}]]}", "must be more than 0"),
        ("{levels: [[]]}", "at least 1"),
        ("{levels: [[{channel: pagr}]]}", "did you mean 'pager'"),
        ("{levels: [[{channel: beep}]]}", "leads to mercor"),
        ("{levels: [[{channel: room}], [{channel: pager}, {channel: pager}]]}", "told twice"),
        ("{secret: my-secret}", "name of an environment variable"),
        ("{secret: NOTICES_A, link: 'http://ops.lab.example'}", "https URL"),
        ("{link: 'https://ops.lab.example'}", "give 'secret'"),
        ("{secret: NOTICES_A, link: 'https://ops.mercor.com/x'}", "leads to mercor"),
        ("{secret: NOTICES_A, link: 'https://ops.lab.example/?a=b'}", "no ? and no #"),
        ("{secret: NOTICES_A, good_hours: 0}", "1"),
    ],
)
def test_whoever_is_told_next_is_held_to_the_same_rules(escalation: str, fault: str) -> None:
    """No level leads to a vendor, or nowhere; the message names the line."""
    with pytest.raises(ConfigError) as refused:
        parse_notices(f"{CHANNELS}escalation: {escalation}\n", "notices.yaml", NAMES)
    assert refused.value.what.startswith("notices.yaml:14: ")
    assert fault in refused.value.what


def test_those_outside_are_not_told_twice_over_one_channel_either() -> None:
    """A route that is given twice is a slip of the pen, whoever it leads to."""
    twice = "  mercor: {payees: [{channel: room}, {channel: room}]}\n"
    with pytest.raises(ConfigError, match="told twice over room"):
        parse_notices(f"{CHANNELS}vendors:\n{twice}", "notices.yaml", NAMES)


def test_a_vendors_own_server_may_carry_what_is_for_the_vendor() -> None:
    """Who is told after containment may be reached where the vendor reads along."""
    theirs = "  mercor: {vendor: [{channel: theirs}, {channel: talk}]}\n"
    notices = parse_notices(f"{CHANNELS}vendors:\n{theirs}", "notices.yaml", NAMES)
    assert len(notices.vendors["mercor"].vendor) == 2


def test_a_vendors_broken_file_silences_no_notice(tmp_path: Path) -> None:
    """Neither one about that vendor nor one about another; its own name still marks its domains."""
    vendors = tmp_path / "vendors"
    vendors.mkdir()
    (vendors / "mercor.yaml").write_text("vendor: [\n")
    (vendors / "mercer.yaml").write_text("vendor: mercer\naws: {paths: [/mercer/]}\n")
    (tmp_path / "notices.yaml").write_text(WHOLE)
    notices = load(tmp_path).notices()
    assert notices is not None
    assert "mercor" in notices.vendors
    wrong = WHOLE.replace("counsel@lab.example", "counsel@mercor.com")
    (tmp_path / "notices.yaml").write_text(wrong)
    with pytest.raises(ConfigError, match="domain of mercor"):
        load(tmp_path).notices()
