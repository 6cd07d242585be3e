"""Logs: one form for every logger, and no secret in any of them."""

import io
import json
import logging
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog
from hypothesis import assume, given
from hypothesis import strategies as st

from stopline import logs
from stopline.redaction import HIDDEN, LONGEST, redact, redact_text

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@dataclass(frozen=True)
class Wishes:
    """What `configure` wants to know."""

    log_format: str = "json"
    log_level: str = "INFO"
    no_color: bool = False


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process's logging as it was."""
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [h for h in root.handlers if isinstance(h, logs._Handler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines_of(stream: io.StringIO) -> list[dict[str, object]]:
    """What was logged, as data."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(wishes: Wishes = Wishes()) -> io.StringIO:
    """A fresh set-up and the stream that it writes to; the test runner hears nothing."""
    stream = io.StringIO()
    logging.getLogger().handlers.clear()
    logs.configure(wishes, stream)
    return stream


# --- form --------------------------------------------------------------------------------------


def test_a_line_is_json_with_time_in_utc_level_and_what_the_caller_bound() -> None:
    """Pause, account and batch are bound once and are in every line."""
    stream = configured()
    with structlog.contextvars.bound_contextvars(pause="p1", account="111122223333", batch=3):
        structlog.get_logger("stopline.x").info("document written", outcome="applied")
    (line,) = lines_of(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "document written", "level": "info", "logger": "stopline.x",
        "outcome": "applied", "pause": "p1", "account": "111122223333", "batch": 3,
    }  # fmt: skip


def test_the_standard_librarys_loggers_come_out_in_the_same_form() -> None:
    """Arguments, extra fields and bound ids included: so do workflows log."""
    stream = configured()
    with structlog.contextvars.bound_contextvars(pause="p1"):
        extra = {"temporal_workflow": {"workflow_id": "pause/mercor/all"}, "password": "x"}
        logging.getLogger("temporalio.workflow").warning("phase %d began", 2, extra=extra)
    (line,) = lines_of(stream)
    assert (line["event"], line["level"], line["pause"]) == ("phase 2 began", "warning", "p1")
    assert line["temporal_workflow"] == {"workflow_id": "pause/mercor/all"}
    assert line["password"] == HIDDEN


@pytest.mark.parametrize("name", logs.QUIET)
def test_talkative_libraries_are_heard_from_warnings_on(name: str) -> None:
    """At DEBUG they print bodies and signatures; no level of ours lets them."""
    stream = configured(Wishes(log_level="DEBUG"))
    logging.getLogger(f"{name}.part").info("unheard")
    logging.getLogger(f"{name}.part").warning("heard")
    assert [line["event"] for line in lines_of(stream)] == ["heard"]


def test_a_level_holds_for_both_kinds_of_loggers() -> None:
    """What is below it is not written."""
    stream = configured(Wishes(log_level="WARNING"))
    structlog.get_logger().info("unheard")
    logging.getLogger("temporalio").info("unheard")
    structlog.get_logger().warning("heard")
    assert [line["event"] for line in lines_of(stream)] == ["heard"]


def test_a_second_set_up_replaces_the_first() -> None:
    """No line comes twice."""
    first, second = configured(), configured()
    structlog.get_logger().info("once")
    assert first.getvalue() == ""
    assert len(lines_of(second)) == 1


@pytest.mark.parametrize(
    ("wished", "stream", "console"),
    [
        ("auto", Terminal, True),
        ("auto", io.StringIO, False),
        ("console", io.StringIO, True),
        ("json", Terminal, False),
    ],
)
def test_lines_are_for_people_on_a_terminal_and_json_elsewhere(
    wished: str, stream: type[io.StringIO], *, console: bool
) -> None:
    """Unless one of the two is asked for."""
    out = stream()
    logs.configure(Wishes(log_format=wished), out)
    structlog.get_logger().info("pause opened", vendor="mercor")
    assert out.getvalue().startswith("{") is not console


def test_no_color_leaves_a_terminal_plain() -> None:
    """No control sequence is written."""
    out = Terminal()
    logs.configure(Wishes(log_format="auto", no_color=True), out)
    structlog.get_logger().info("pause opened", vendor="mercor")
    assert "\x1b" not in out.getvalue()


def fail(message: str, local: str = "") -> None:
    """Raise, with a variable that nobody should see."""
    local += "-indeed"
    raise ValueError(message)


@pytest.mark.parametrize("form", ["json", "console"])
def test_an_exception_is_shown_without_the_values_of_variables(form: str) -> None:
    """A local variable may hold a document; the message is redacted like any text."""
    stream = configured(Wishes(log_format=form))
    for log in (structlog.get_logger().exception, logging.getLogger("x").exception):
        try:
            fail(f"refused for aws_secret_access_key={SECRET}", "only-a-local")
        except ValueError:
            log("write failed")
    shown = stream.getvalue()
    assert shown.count("write failed") == 2
    assert "refused for aws_secret_access_key" in shown
    assert "only-a-local-indeed" not in shown
    assert SECRET not in shown


# --- secrets -----------------------------------------------------------------------------------

KNOWN = {
    "AKIAIOSFODNN7EXAMPLE": "AKIA…MPLE",
    "key ASIAIOSFODNN7EXAMPLE of mercor": "key ASIA…MPLE of mercor",
    f"SecretAccessKey: {SECRET}": f"SecretAccessKey: {HIDDEN}",
    f"{{'SecretAccessKey': '{SECRET}'}}": f"{{'SecretAccessKey': '{HIDDEN}'}}",
    f'{{\\"SecretAccessKey\\": \\"{SECRET}\\"}}': f'{{\\"SecretAccessKey\\": \\"{HIDDEN}\\"}}',
    f"the secret key is {SECRET}.": f"the secret key is {HIDDEN}.",
    f"AKIAIOSFODNN7EXAMPLE/{SECRET}": f"AKIA…MPLE/{HIDDEN}",
    "postgresql://u:hunter2@db/x": f"postgresql://u:{HIDDEN}@db/x",
    "redis://:hunter2@db/0": f"redis://:{HIDDEN}@db/0",
    "Authorization: Basic dXNlcjpwYXNz": f"Authorization: {HIDDEN}",
    "Bearer abcdefgh12345": f"Bearer {HIDDEN}",
    "password='with spaces, and \\' quotes'": f"password='{HIDDEN}'",
    'password="cut off in the mid': f'password="{HIDDEN}"',
    "X-Amz-Signature=abc&x=1": f"X-Amz-Signature={HIDDEN}&x=1",
    "sk_live_51Hxyz": HIDDEN,
    "xoxb-123-456-abc": HIDDEN,
    "eyJhbGciOiJ9.eyJzdWIiOiIx.c2lnbmF0dXJl": HIDDEN,
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend": f"{HIDDEN}\nend",
    "-----BEGIN PRIVATE KEY-----\nMIIE": HIDDEN,
}


@pytest.mark.parametrize(("text", "shown"), KNOWN.items())
def test_a_known_form_of_secret_is_hidden(text: str, shown: str) -> None:
    """Each form, in the place where it is usually met; hiding twice changes nothing."""
    assert redact_text(text) in {shown, shown.replace(f'"{HIDDEN}"', f'"{HIDDEN}')}
    assert redact_text(redact_text(text)) == redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::222233334444:user/vendors/mercor/svc-label-sync",
        "aws:111122223333:bucket-policy-statement:training-data#StoplineJ1f2e3d4cP7f3a9c",
        "a" * 40 + " " + "0f" * 32,
        "https://127.0.0.1:8233/namespaces/default",
        "authorization failed for the role stopline-worker",
        "access keys: 3 of 4 inactive",
    ],
)
def test_what_a_responder_needs_stays_readable(text: str) -> None:
    """ARNs, addresses, digests and plain sentences are no secrets."""
    assert redact_text(text) == text


def test_a_value_is_hidden_by_the_name_beside_it() -> None:
    """Whatever its form; in mappings of any depth."""
    found = redact({"a": [{"Password": "x", "session_token": b"y", "pins": {"secret": [1]}}]})
    assert found == {
        "a": [{"Password": HIDDEN, "session_token": HIDDEN, "pins": {"secret": HIDDEN}}]
    }


@pytest.mark.parametrize(
    "piece",
    ["://a:", "password='\\", "secret ", "aA1", "token=", "-----BEGIN PRIVATE KEY", "eyJaaaaa.",
     "access key ", "AKIA", "Authorization: ", "\\\\", "xoxb-", '\\"password\\": \\"'],
)  # fmt: skip
def test_no_text_keeps_the_logs_busy(piece: str) -> None:
    """An attacker who chooses what we log cannot slow a containment down with it."""
    whole = (piece * LONGEST)[:LONGEST]
    eighth = whole[: LONGEST // 8]
    # Eight times as long takes eight times as long, on any machine; were it quadratic, 64 times.
    assert cost(whole) < 24 * (cost(eighth) + 0.0001)


def cost(text: str) -> float:
    """The least of this thread's own processor time that hiding what is in a text takes."""

    def once() -> float:
        began = time.thread_time()
        redact_text(text)
        return time.thread_time() - began

    return min(once() for _ in range(5))


def test_any_value_can_be_logged() -> None:
    """Objects without a readable text, deep nesting and very long texts do no harm."""

    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    deep: list[object] = []
    deep.append(deep)
    stream = configured()
    structlog.get_logger().info("odd", a=Broken(), b=deep, c="x" * (LONGEST * 2), d={1: {2, 3}})
    (line,) = lines_of(stream)
    assert line["a"] == "<Broken>"
    assert str(line["c"]).endswith(f"… ({LONGEST * 2} characters)")


BASE64 = string.ascii_letters + string.digits + "/+"
URL_SAFE = string.ascii_letters + string.digits + "-_"
UPPER = string.ascii_uppercase + string.digits


def of(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    """Texts of an alphabet."""
    return st.text(alphabet, min_size=least, max_size=most)


PASSWORDS = of(string.ascii_letters + string.digits + "!#$%*-_.~/@:", 8, 40).map("pW9".__add__)
SECRETS = st.one_of(
    st.tuples(
        of(BASE64, 40, 40),
        st.sampled_from(["aws_secret_access_key = {}", '"SecretAccessKey": "{}"', "secret key {}"]),
    ),
    st.tuples(of(BASE64, 37, 37).map("aA1".__add__), st.just("{}")),
    st.tuples(of(UPPER, 16, 16).map("AKIA".__add__), st.sampled_from(["{}", "key={},", "'{}'"])),
    st.tuples(of(UPPER, 16, 16).map("ASIA".__add__), st.just("<AccessKeyId>{}</AccessKeyId>")),
    st.tuples(of(BASE64, 100, 400).map("IQoJb3JpZ2luX2Vj1".__add__), st.just("{}==")),
    st.tuples(of(BASE64, 20, 80), st.sampled_from(["SessionToken={}", "x-amz-security-token: {}"])),
    st.tuples(
        st.tuples(of(URL_SAFE, 10, 30), of(URL_SAFE, 10, 60), of(URL_SAFE, 10, 40)).map(
            lambda parts: "eyJ" + ".".join(parts)
        ),
        st.sampled_from(["{}", "Bearer {}", "token={}"]),
    ),
    st.tuples(
        of(BASE64, 20, 200), st.just("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----")
    ),
    st.tuples(of(URL_SAFE, 10, 40).map("xoxb-1".__add__), st.just("{}")),
    st.tuples(of(string.ascii_letters, 16, 40).map("sk_live_".__add__), st.just("({})")),
    st.tuples(PASSWORDS, st.sampled_from(["postgresql://user:{}@db:5432/x", "s3://:{}@host"])),
    st.tuples(PASSWORDS, st.sampled_from(["password={}", "password: '{}'", '{{"pwd":"{}"}}'])),
)


@pytest.mark.parametrize("form", ["json", "console"])
@given(
    secret=SECRETS,
    around=st.tuples(st.text(max_size=20).map(lambda t: t + " "), st.text(max_size=20)),
    how=st.sampled_from(["event", "value", "key", "nested", "bytes", "stdlib", "exception"]),
)
def test_no_secret_ever_appears(
    form: str, secret: tuple[str, str], around: tuple[str, str], how: str
) -> None:
    """Wherever a secret stands in what is logged, it is not in what is written."""
    value, template = secret
    assume(value not in "".join(around))
    text = f"{around[0]}{template.format(value)} {around[1]}"
    stream = configured(Wishes(log_format=form))
    log = structlog.get_logger()
    if how == "stdlib":
        logging.getLogger("botocore.x").warning("failed: %s", text, extra={"body": {"a": text}})
    elif how == "exception":
        try:
            fail(text)
        except ValueError:
            log.exception("failed")
    elif how == "event":
        log.info(text)
    else:
        log.info("x", field={
            "value": text, "key": {text: 1}, "nested": [{"a": (text, {text})}],
            "bytes": text.encode("utf-8", "surrogatepass"),
        }[how])  # fmt: skip
    assert value not in stream.getvalue()
