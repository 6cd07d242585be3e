"""Each channel against a real server: taken, asked to wait, broken, a lost reply, a bad secret."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from pathlib import Path

import pytest
import trustme
from standardwebhooks import Webhook
from support.providers import Answer, Mail, Provider, mail_server, provider

from stopline.audiences import Channel
from stopline.notices.channels import DeliveryError, Letter, others_in, send
from stopline.text import Json

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LETTER = Letter(
    "k" * 64, "0000abcd", "opened", "responders", "counsel@lab.example",
    "mercor is being stopped", "what happened\n", "2026-11-24T18:00:00.000Z",
    incident="opened/7",
)  # fmt: skip
KINDS = ("slack", "pagerduty", "webhook")
SECRET = {"slack": "xoxb-very-secret", "pagerduty": "routing-secret", "webhook": WHSEC}


@pytest.fixture
def there() -> Iterator[Provider]:
    """A provider at work."""
    with provider() as made:
        yield made


def ask_again(error: DeliveryError) -> str:
    """Whether it is worth asking again, and how soon."""
    return "never" if error.hopeless else "slowly" if error.slowly else "soon"


def channel(kind: str, url: str) -> Channel:
    """A channel that leads to the test's server."""
    return Channel(kind=kind, secret="NOTICES_X", url=url, to="C0123" if kind == "slack" else None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_is_taken_once(kind: str, there: Provider) -> None:
    """One request, which says what happened."""
    send(channel(kind, there.url), SECRET[kind], LETTER)
    assert len(there.asked) == 1
    assert "what happened" in there.asked[0].body.replace("+", " ")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "how", "after"),
    [
        (Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "7"}), "soon", 7.0),
        (Answer(500, {"ok": False, "error": "internal_error"}), "soon", 0.0),
        (Answer(403, {"ok": False, "error": "invalid_auth"}), "slowly", 0.0),
        (Answer(404, {"ok": False, "error": "not_in_channel"}), "slowly", 0.0),
        (Answer(400, {"ok": False, "error": "channel_not_found"}), "slowly", 0.0),
        (Answer(413, {"ok": False, "error": "msg_too_long"}), "never", 0.0),
        (Answer(lost=True), "soon", 0.0),
    ],
    ids=["asks to wait", "broken", "not let in", "not there", "bad key", "unfit", "lost reply"],
)
def test_what_was_not_taken_says_whether_to_ask_again_and_when(
    kind: str, answer: Answer, how: str, after: float, there: Provider
) -> None:
    """A person can mend a credential and a channel; a text that does not fit, nobody.

    Nothing of it holds the secret, the address or the text.
    """
    there.answers.append(answer)
    with pytest.raises(DeliveryError) as refused:
        send(channel(kind, there.url), SECRET[kind], LETTER)
    assert (ask_again(refused.value), refused.value.after) == (how, after)
    assert not [s for s in (SECRET[kind], there.url, "what happened") if s in str(refused.value)]
    send(channel(kind, there.url), SECRET[kind], LETTER)


@pytest.mark.parametrize("secret", ["xoxb-SE\nCRET", "xoxb-SECR\u20acT"])
def test_a_secret_that_no_header_can_hold_is_not_repeated(secret: str, there: Provider) -> None:
    """What the library says of it holds the secret; what we say is what kind of fault it was."""
    with pytest.raises(DeliveryError) as refused:
        send(channel("slack", there.url), secret, LETTER)
    assert "xoxb" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


def test_a_reason_mentions_nobody_in_slack(there: Provider) -> None:
    """What looks like a mention or a link in a reason is plain text where it arrives."""
    told = replace(LETTER, text="<!channel> see <https://evil.example|here> & more")
    send(channel("slack", there.url), SECRET["slack"], told)
    text = there.asked[0].form["text"]
    assert "&lt;!channel&gt;" in text
    assert "<" not in text


def test_slack_is_not_told_twice_after_a_lost_reply(there: Provider) -> None:
    """The message bears the key; before it is posted again it is looked for."""
    there.answers.append(Answer(lost=True))
    slack = channel("slack", there.url)
    with pytest.raises(DeliveryError):
        send(slack, SECRET["slack"], LETTER)
    send(slack, SECRET["slack"], replace(LETTER, again=True))
    assert len(there.asked) == 1
    send(slack, SECRET["slack"], replace(LETTER, key="other", again=True))
    assert len(there.asked) == 2


def test_pagerduty_opens_one_incident_for_an_event_and_resolves_each(there: Provider) -> None:
    """The same dedup key however often it is sent; and nothing of its own for what only closes."""
    pager = channel("pagerduty", there.url)
    for letter in (LETTER, replace(LETTER, again=True), replace(LETTER, incident="breached/9")):
        send(pager, "key", letter)
    send(pager, "key", replace(LETTER, incident="", closes=("opened/7", "breached/9")))
    send(pager, "key", replace(LETTER, incident="", closes=()))
    told = [(a.json["event_action"], a.json["dedup_key"]) for a in there.asked]
    opened, breached = "stopline/0000abcd/opened/7", "stopline/0000abcd/breached/9"
    assert told == [
        ("trigger", opened), ("trigger", opened), ("trigger", breached),
        ("resolve", opened), ("resolve", breached),
    ]  # fmt: skip
    assert {a.path for a in there.asked} == {"/v2/enqueue"}


def test_an_incident_that_could_not_be_resolved_is_resolved_the_next_time(there: Provider) -> None:
    """All of them are sent again: what is resolved already does nothing."""
    pager, over = channel("pagerduty", there.url), replace(LETTER, incident="", closes=("a", "b"))
    there.answers += [Answer(202), Answer(500)]
    with pytest.raises(DeliveryError):
        send(pager, "key", over)
    send(pager, "key", over)
    assert [a.json["dedup_key"][-1] for a in there.asked] == ["a", "b", "a", "b"]


def test_a_webhook_is_a_signed_cloudevent_with_a_stable_id(there: Provider) -> None:
    """The reference library verifies it, and refuses it when one letter is another."""
    send(channel("webhook", f"{there.url}/in"), WHSEC, LETTER)
    (asked,) = there.asked
    event = Webhook(WHSEC).verify(asked.body, asked.headers)
    assert (event["specversion"], event["id"]) == ("1.0", LETTER.key)
    assert event["type"] == "stopline.notice.opened.v1"
    assert asked.headers["webhook-id"] == LETTER.key
    with pytest.raises(Exception, match="signature"):
        Webhook(WHSEC).verify(asked.body.replace("happened", "Happened"), asked.headers)


def test_a_redirect_is_not_followed(there: Provider) -> None:
    """A notice goes where the file says, and nowhere else."""
    there.answers.append(Answer(307, headers={"Location": f"{there.url}/elsewhere"}))
    with pytest.raises(DeliveryError) as refused:
        send(channel("webhook", there.url), WHSEC, LETTER)
    assert ask_again(refused.value) == "slowly"
    assert len(there.asked) == 1


def test_a_secret_that_cannot_sign_waits_for_a_person_and_is_not_repeated(
    there: Provider,
) -> None:
    """A webhook's secret is base64; another can be given."""
    with pytest.raises(DeliveryError) as refused:
        send(channel("webhook", there.url), "whsec_!", LETTER)
    assert ask_again(refused.value) == "slowly"
    assert not there.asked


# --- e-mail --------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def mailbox(mail: Mail) -> Channel:
    """The channel to the test's mail server."""
    return Channel(
        kind="email", secret="NOTICES_X", host="localhost", port=mail.port, user="stopline",
        sender="stopline@lab.example",
    )  # fmt: skip


def test_an_email_goes_over_tls_with_a_message_id_that_stays_the_same(
    authority: trustme.CA,
) -> None:
    """451 first: it is to be asked again, and comes with the same id."""
    with mail_server(authority) as mail:
        mail.answers.append("451 try later")
        with pytest.raises(DeliveryError) as refused:
            send(mailbox(mail), "swordfish", LETTER)
        assert ask_again(refused.value) == "soon"
        send(mailbox(mail), "swordfish", LETTER)
    (taken,) = mail.taken
    message = message_from_bytes(taken.content)
    assert message["Message-ID"] == f"<{LETTER.key}@lab.example>"
    assert (message["To"], message["Subject"]) == ("counsel@lab.example", LETTER.subject)
    assert mail.over_tls == [True, True]


def test_a_password_that_a_mail_server_refuses_is_mended_by_a_person(
    authority: trustme.CA,
) -> None:
    """535 says nothing of the message: it is asked again, slowly, and sent once it is mended."""
    with mail_server(authority) as mail:
        with pytest.raises(DeliveryError, match="535") as refused:
            send(mailbox(mail), "wrong", LETTER)
        assert ask_again(refused.value) == "slowly"
        assert "wrong" not in str(refused.value)
        send(mailbox(mail), "swordfish", LETTER)
    assert len(mail.taken) == 1


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        ("550 no such mailbox", "never"),
        ("550 5.1.1 user unknown", "never"),
        ("551 5.1.6 has moved", "never"),
        ("550 5.7.1 relaying denied", "slowly"),
        ("552 5.2.2 mailbox full", "slowly"),
        ("554 policy", "slowly"),
        ("450 4.2.1 greylisted", "soon"),
    ],
)
def test_only_an_address_that_is_not_there_is_refused_for_good(
    answer: str, how: str, authority: trustme.CA
) -> None:
    """That a server relays nothing for us, or that a mailbox is full, can be mended."""
    with mail_server(authority) as mail:
        mail.at_address.append(answer)
        with pytest.raises(DeliveryError) as refused:
            send(mailbox(mail), "swordfish", LETTER)
        assert ask_again(refused.value) == how
        assert not mail.taken


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        ("552 5.3.4 too big", "never"),
        ("554 5.6.0 not a message", "never"),
        ("554 5.7.1 looks like spam", "slowly"),
        ("550 quota", "slowly"),
    ],
)
def test_only_a_message_that_does_not_fit_is_refused_for_good(
    answer: str, how: str, authority: trustme.CA
) -> None:
    """A policy of the server's can be mended."""
    with mail_server(authority) as mail:
        mail.answers.append(answer)
        with pytest.raises(DeliveryError) as refused:
            send(mailbox(mail), "swordfish", LETTER)
        assert ask_again(refused.value) == how


def test_a_mail_server_that_is_not_who_it_says_or_has_no_tls_gets_nothing(
    authority: trustme.CA,
) -> None:
    """Neither the password nor the text leaves for a stranger's certificate, or in the clear."""
    with mail_server(trustme.CA()) as stranger:
        with pytest.raises(DeliveryError):
            send(mailbox(stranger), "swordfish", LETTER)
        assert not stranger.taken
    with mail_server(authority, tls=False) as plain:
        with pytest.raises(DeliveryError):
            send(mailbox(plain), "swordfish", LETTER)
        assert not plain.taken


def test_each_test_of_a_pager_opens_something_of_its_own(there: Provider) -> None:
    """A second test with the first one's key would be put into it, and page nobody."""
    for key in ("test-1", "test-2"):
        letter = replace(LETTER, event="test", pause="test", key=key, incident=key)
        send(channel("pagerduty", there.url), "routing-secret", letter)
    assert len({asked.json["dedup_key"] for asked in there.asked}) == 2


# --- who else is in a channel --------------------------------------------------------------------


def room(**said: object) -> Json:
    """What Slack says of a channel."""
    return {"ok": True, "channel": {"id": "C0123", **said}}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"is_ext_shared": True, "connected_team_ids": ["T1", "T2"]}, "other organisations (2)"),
        ({"is_shared": True}, "shared with other organisations (some)"),
        ({"is_pending_ext_shared": True}, "are invited"),
        ({"is_shared": False, "pending_connected_team_ids": ["T9"]}, "are invited"),
    ],
)
def test_nobody_inside_is_told_in_a_channel_that_others_read(
    there: Provider, said: Json, why: str
) -> None:
    """It may have been shared since the file was read; a person can mend it."""
    there.room = room(**said)
    slack = channel("slack", there.url)
    with pytest.raises(DeliveryError) as refused:
        send(slack, SECRET["slack"], LETTER)
    assert why in refused.value.why
    assert refused.value.slowly
    assert not refused.value.hopeless
    assert there.asked == []
    send(slack, SECRET["slack"], replace(LETTER, audience="vendor"))
    assert len(there.asked) == 1, "the vendor's own may be shared with it"


def test_what_workspaces_of_one_organisation_share_is_not_shared_with_others(
    there: Provider,
) -> None:
    """They are all the lab's."""
    there.room = room(is_shared=True, is_org_shared=True, is_ext_shared=False)
    send(channel("slack", there.url), SECRET["slack"], LETTER)
    assert len(there.asked) == 1


def test_where_we_may_not_look_those_inside_are_told_all_the_same(there: Provider) -> None:
    """A token that may only post must not silence a pause; the preflight says what it lacks."""
    there.room = {"ok": False, "error": "missing_scope", "needed": "channels:read"}
    assert others_in(channel("slack", there.url), SECRET["slack"]) is None
    send(channel("slack", there.url), SECRET["slack"], LETTER)
    assert len(there.asked) == 1


def test_a_channel_that_is_not_there_is_no_reason_to_post_anyhow(there: Provider) -> None:
    """Whatever else Slack says of it is said of the notice."""
    there.room = {"ok": False, "error": "channel_not_found"}
    with pytest.raises(DeliveryError, match="channel_not_found"):
        send(channel("slack", there.url), SECRET["slack"], LETTER)
    assert there.asked == []
