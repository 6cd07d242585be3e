"""The channels: one notice to one provider, once. Retrying is the caller's.

Each request bears the notice's key where the provider has a place for it, so that a second one
after a lost reply can be told from a new notice: PagerDuty's `dedup_key` (of the incident, so that
what ends it resolves what triggered it), Slack's message metadata, the Message-ID, `webhook-id`.
What an error says never holds a secret, an address of a webhook, or what was sent.
"""

import asyncio
import re
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
import requests
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from standardwebhooks import Webhook

from stopline.audiences import OUTSIDE, Channel
from stopline.text import Json, canonical

SHORTEST_KEY = 24
"""Bytes, as Standard Webhooks recommend."""
SECONDS = 10
"""The longest that a provider may let us wait."""
PAGERDUTY = "https://events.pagerduty.com"
SLACK_LONGEST = 39_000
"""https://docs.slack.dev/reference/methods/chat.postMessage#truncating"""
SOURCE = "stopline"
TEST_EVENT = "test"
EVENT_TYPE = "stopline_notice"

_TOO_MANY, _SERVER = 429, 500
_BUSY = frozenset(
    {"ratelimited", "rate_limited", "fatal_error", "internal_error", "request_timeout",
     "service_unavailable", "team_added_to_org"}
)  # fmt: skip
_UNFIT = frozenset(
    {"invalid_arguments", "invalid_blocks", "markdown_text_conflict", "metadata_too_large",
     "msg_blocks_too_long", "msg_too_long", "no_text", "too_many_attachments"}
)  # fmt: skip
"""What Slack says of a message that it will never take, whoever mends what:
https://docs.slack.dev/reference/methods/chat.postMessage#errors"""
_MAY_NOT_LOOK = frozenset({"missing_scope", "no_permission", "not_allowed_token_type"})
"""What Slack says to a token that may post, and not look."""
_TOO_LARGE = 413
_REFUSED = 500
"""From here on a mail server does not ask to come again: RFC 5321, 4.2.1."""
_NOBODY = (550, 551, 553)
"""What a mail server says of a mailbox that is not there, where it says nothing closer."""
_CLOSER = re.compile(r"\s*([45]\.\d{1,3}\.\d{1,3})\b")
"""A mail server's closer word: RFC 3463."""
_NO_SUCH_ADDRESS, _UNFIT_MAIL = ("5.1.",), ("5.6.", "5.3.4")


class DeliveryError(Exception):
    """A notice was not sent, or nobody knows whether it was.

    `hopeless` when it can never be taken, whatever is mended: an address that is not there, a text
    that does not fit. `slowly` when a person must mend something first: a credential, a right, what
    stands in notices.yaml. `after` is how many seconds the provider asks for.
    """

    def __init__(
        self, why: str, *, hopeless: bool = False, slowly: bool = False, after: float = 0.0
    ) -> None:
        """Keep the sentence, which may be shown to anybody."""
        super().__init__(why)
        self.why = why
        self.hopeless = hopeless
        self.slowly = slowly
        self.after = after


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. `again` says that it may have been sent before; `at` is when it was written.

    `incident` is what it opens at a pager, `closes` what it closes there; no other channel minds.
    """

    key: str
    pause: str
    event: str
    audience: str
    recipient: str
    subject: str
    text: str
    at: str
    again: bool = False
    incident: str = ""
    closes: tuple[str, ...] = ()


Send = Callable[[Channel, str, Letter], None]


def send(channel: Channel, secret: str, letter: Letter) -> None:
    """Send one notice. Raises DeliveryError when it was not taken, and nothing else.

    What a library says of a header or a text that it cannot send holds the secret, or the text.
    """
    try:
        _SENDERS[channel.kind](channel, secret, letter)
    except DeliveryError:
        raise
    except Exception as error:  # noqa: BLE001 - see above; a person may mend the secret meanwhile
        why = f"it could not be sent over {channel.kind}: {type(error).__name__}"
        raise DeliveryError(why, slowly=True) from None


# --- Slack ---------------------------------------------------------------------------------------


def _slack(channel: Channel, secret: str, letter: Letter) -> None:
    """Post a message: https://docs.slack.dev/reference/methods/chat.postMessage"""
    client, where = _slack_client(channel, secret), channel.to or ""
    if letter.audience not in OUTSIDE and (others := others_in(channel, secret)):
        raise DeliveryError(f"{others}: nobody inside is told there", slowly=True)
    try:
        if letter.again and _slack_has(client, where, letter):
            return
        client.chat_postMessage(
            channel=where,
            text=f"*{_unmarked(letter.subject)}*\n{_unmarked(letter.text)}"[:SLACK_LONGEST],
            unfurl_links=False,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"key": letter.key}},
        )
    except SlackApiError as error:
        raise _slack_said(error) from None
    except (SlackClientError, OSError) as error:
        raise DeliveryError(f"Slack did not answer: {type(error).__name__}") from None


def others_in(channel: Channel, secret: str) -> str | None:
    """Which other organisations read a channel of Slack's, or are invited to; nothing for none.

    None where we may not look: it takes `channels:read`, or `groups:read` for a private channel.
    What several workspaces of one organisation share is not shared with others. Raises
    DeliveryError. https://docs.slack.dev/reference/objects/conversation-object
    """
    try:
        found: Json = _slack_client(channel, secret).conversations_info(channel=channel.to or "")
        there: Json = found.get("channel") or {}
    except SlackApiError as error:
        if error.response.get("error") in _MAY_NOT_LOOK:
            return None
        raise _slack_said(error) from None
    except (SlackClientError, OSError) as error:
        raise DeliveryError(f"Slack did not answer: {type(error).__name__}") from None
    if there.get("is_ext_shared") or (there.get("is_shared") and not there.get("is_org_shared")):
        number = len(there.get("connected_team_ids") or ()) or "some"
        return f"the channel is shared with other organisations ({number})"
    if there.get("is_pending_ext_shared") or there.get("pending_connected_team_ids"):
        return "other organisations are invited to the channel"
    return ""


def _slack_client(channel: Channel, secret: str) -> WebClient:
    url = (channel.url or WebClient.BASE_URL).rstrip("/") + "/"
    return WebClient(token=secret, base_url=url, timeout=SECONDS, retry_handlers=[])


def _unmarked(text: str) -> str:
    """A text in which nothing is a mention or a link: a reason may hold what somebody else wrote.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _slack_has(client: WebClient, where: str, letter: Letter) -> bool:
    """Whether the message is there already; where we may not look, it may be posted twice.

    https://docs.slack.dev/reference/methods/conversations.history
    """
    since = str(datetime.fromisoformat(letter.at).timestamp() - 60)
    try:
        found = client.conversations_history(
            channel=where, oldest=since, limit=200, include_all_metadata=True
        )
    except SlackApiError as error:
        if error.response.get("error") in ("missing_scope", "not_in_channel"):
            return False
        raise
    told: Json = found.get("messages") or []
    return any(
        m.get("metadata", {}).get("event_payload", {}).get("key") == letter.key for m in told
    )


def _slack_said(error: SlackApiError) -> DeliveryError:
    answer = error.response
    code = str(answer.get("error") or "")
    if answer.status_code == _TOO_MANY or code == "ratelimited":
        return DeliveryError("Slack asks to wait", after=_seconds(answer.headers))
    busy = answer.status_code >= _SERVER or code in _BUSY
    said, unfit = code or f"HTTP {answer.status_code}", code in _UNFIT
    return DeliveryError(f"Slack refused it: {said}", hopeless=unfit, slowly=not busy)


# --- PagerDuty and webhooks ----------------------------------------------------------------------


def _pagerduty(channel: Channel, secret: str, letter: Letter) -> None:
    """Send an event for the incident that a notice opens, and for each that it closes.

    What is resolved and was never open is taken and does nothing; so all can be sent again.
    https://developer.pagerduty.com/docs/send-alert-event
    """
    asked = [("trigger", letter.incident)] if letter.incident else []
    url = (channel.url or PAGERDUTY).rstrip("/")
    for action, incident in (*asked, *(("resolve", one) for one in letter.closes)):
        body = {
            "routing_key": secret,
            "event_action": action,
            "dedup_key": f"{SOURCE}/{letter.pause}/{incident}",
            "payload": {
                "summary": letter.subject[:1024],
                "source": SOURCE,
                "severity": "info" if letter.event == TEST_EVENT else "critical",
                "custom_details": {"notice": letter.text, "key": letter.key},
            },
        }
        _post("PagerDuty", f"{url}/v2/enqueue", canonical(body), {})


def _webhook(channel: Channel, secret: str, letter: Letter) -> None:
    """Post a CloudEvent, signed as Standard Webhooks say, with the notice's key as its id.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    body = canonical(
        {
            "specversion": "1.0",
            "id": letter.key,
            "source": f"/{SOURCE}/pauses/{letter.pause}",
            "type": f"stopline.notice.{letter.event}.v1",
            "time": letter.at,
            "datacontenttype": "application/json",
            "data": {
                "audience": letter.audience, "subject": letter.subject, "text": letter.text,
            },
        }
    )  # fmt: skip
    now = datetime.now(UTC)
    signature = Webhook(_signing(secret)).sign(letter.key, now, body)
    headers = {
        "webhook-id": letter.key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    kind = {"content-type": "application/cloudevents+json; charset=utf-8"}
    _post("the webhook", channel.url or "", body, headers | kind)


def _signing(secret: str) -> str:
    """A secret that can sign; the library would take any text for one, an empty one too."""
    try:
        long_enough = len(b64decode(secret.removeprefix("whsec_"), validate=True)) >= SHORTEST_KEY
    except ValueError:
        long_enough = False
    if not long_enough:
        why = "the webhook's secret is not one (whsec_ and at least 24 bytes in base64)"
        raise DeliveryError(why, slowly=True)
    return secret


def _post(whom: str, url: str, body: str, headers: Mapping[str, str]) -> None:
    sent = {"content-type": "application/json", **headers}
    try:
        answer = requests.post(
            url, body.encode(), headers=sent, timeout=SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:  # its text holds the URL, which may be a secret
        raise DeliveryError(f"{whom} did not answer: {type(error).__name__}") from None
    if answer.ok and not answer.is_redirect:
        return
    busy = answer.status_code in (408, 425, _TOO_MANY) or answer.status_code >= _SERVER
    after = _seconds(answer.headers) if busy else 0.0
    raise DeliveryError(
        f"{whom} answered with HTTP {answer.status_code}",
        hopeless=answer.status_code == _TOO_LARGE, slowly=not busy, after=after,
    )  # fmt: skip


def _seconds(headers: Mapping[str, str]) -> float:
    """What Retry-After asks for, in seconds; a date or nonsense counts for nothing."""
    lowered = {str(k).lower(): v for k, v in headers.items()}
    value = str(lowered.get("retry-after", ""))
    return min(float(value), 3600.0) if value.isdecimal() else 0.0


# --- e-mail --------------------------------------------------------------------------------------


def _email(channel: Channel, secret: str, letter: Letter) -> None:
    """Send one message to one address over STARTTLS; without TLS nothing is sent at all.

    https://aiosmtplib.readthedocs.io/en/stable/client.html
    """
    message = EmailMessage()
    message["From"], message["To"] = channel.sender or "", letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.fromisoformat(letter.at))
    message["Message-ID"] = f"<{letter.key}@{(channel.sender or '').rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    try:
        asyncio.run(_smtp(channel, secret, message))
    except SMTPResponseException as error:
        said, unfit = _closer(error), False
        if isinstance(error, SMTPDataError):
            unfit = said.startswith(_UNFIT_MAIL)
        why = f"the mail server answered {error.code} {said}".rstrip()
        raise DeliveryError(why, hopeless=unfit, slowly=error.code >= _REFUSED) from None
    except SMTPRecipientsRefused as error:
        (refused,) = error.recipients  # there is one address
        said, again = _closer(refused), refused.code < _REFUSED
        nobody = said.startswith(_NO_SUCH_ADDRESS) or (not said and refused.code in _NOBODY)
        why = f"the mail server refused the address: {refused.code} {said}".rstrip()
        raise DeliveryError(why, hopeless=nobody and not again, slowly=not again) from None
    except (SMTPException, OSError) as error:
        raise DeliveryError(f"the mail server: {type(error).__name__}") from None


def _closer(error: SMTPResponseException) -> str:
    """The closer word of a mail server, such as 5.1.1; nothing else of what it says is repeated."""
    found = _CLOSER.match(error.message)
    return found[1] if found else ""


async def _smtp(channel: Channel, secret: str, message: EmailMessage) -> None:
    # Its own time-out is for each command.
    await asyncio.wait_for(_mailed(channel, secret, message), 2 * SECONDS)


async def _mailed(channel: Channel, secret: str, message: EmailMessage) -> None:
    client = aiosmtplib.SMTP(
        hostname=channel.host,
        port=channel.port,
        start_tls=True,
        tls_context=ssl.create_default_context(),
        timeout=SECONDS,
    )
    await client.connect()
    transport = client.transport
    try:
        if channel.user:
            await client.login(channel.user, secret)
        await client.send_message(message)
        await client.quit()
    finally:  # a farewell over TLS may outlast the loop, and the socket with it
        client.close()
        if isinstance(transport, asyncio.WriteTransport):
            transport.abort()
        await asyncio.sleep(0)


_SENDERS: Mapping[str, Send] = {
    "slack": _slack,
    "pagerduty": _pagerduty,
    "webhook": _webhook,
    "email": _email,
}
