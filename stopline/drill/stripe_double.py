"""The emulated Stripe: a stateful server on 127.0.0.1 for exactly the calls that we make.

It keeps Stripe's promises and bad habits that matter to a hold: accounts are apart, an idempotency
key gives the first answer again, also an error, and another request under it is refused; automatic
payouts go on until the schedule is `manual`. What it does not know is answered as Stripe answers an
unknown path, never as a success. `fail` makes it misbehave, `day` lets a day of payouts pass, and
`snapshot` is everything that is there.
https://docs.stripe.com/api
"""

import re
import threading
from collections.abc import Callable, Container, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Self

from stopline.drill.stripe_http import Fault, Request, served
from stopline.text import Json

PLATFORM = "acct_platform"
PAGE = 2
"""How many things are on a page, whatever is asked for: nobody may rely on the first."""
_INVALID = "invalid_request_error"
_EDITABLE = ("pending", "requires_action")


class _Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """What Stripe answers when it does not do what was asked."""

    def __init__(self, status: int, code: str, message: str, kind: str = _INVALID) -> None:
        """Keep Stripe's error body."""
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message}}


@dataclass
class StripeDouble:
    """One platform with its connected accounts. Start it with `with`; `url` is its API."""

    accounts: dict[str, Json] = field(default_factory=dict)
    recipients: dict[str, Json] = field(default_factory=dict)
    settings: dict[str, Json] = field(default_factory=dict)
    balances: dict[str, dict[str, int]] = field(default_factory=dict)
    payouts: dict[str, Json] = field(default_factory=dict)
    intents: dict[str, Json] = field(default_factory=dict)
    outbound: dict[str, Json] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    down: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _answers: dict[tuple[str, str], tuple[Json, int, Json]] = field(default_factory=dict)
    _faults: list[tuple[str, Fault]] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)
    _made: int = 0

    # --- what is there -----------------------------------------------------------------------

    def add_account(
        self,
        id_: str,
        balance: Mapping[str, int],
        *,
        metadata: Mapping[str, str] | None = None,
        schedule: Mapping[str, Json] | None = None,
        country: str = "US",
        rules: Mapping[str, Json] | None = None,
    ) -> None:
        """Connect an account: what its balance holds, and how it is paid out (daily)."""
        told = {"metadata": dict(metadata or {}), "country": country}
        self.accounts[id_] = {"id": id_, "object": "account", **told}
        payouts = {
            "schedule": dict(schedule or {"interval": "daily"}),
            "automatic_transfer_rules_by_currency": dict(rules) if rules else None,
            "minimum_balance_by_currency": None,
            "status": "enabled",
        }
        self.settings[id_] = {"object": "balance_settings", "payments": {"payouts": payouts}}
        self.balances[id_] = dict(balance)

    def add_payout(
        self, account: str, currency: str, amount: int, status: str, *, automatic: bool
    ) -> str:
        """Make a payout out of an account's balance; returns its id."""
        self._made += 1
        id_ = f"po_{self._made}"
        self.balances[account][currency] -= amount
        told = {"currency": currency, "amount": amount, "status": status, "automatic": automatic}
        self.payouts[id_] = {
            "id": id_,
            "object": "payout",
            "account": account,
            "metadata": {},
            **told,
        }
        return id_

    def add_intent(
        self,
        recipient: str,
        currency: str,
        value: int,
        execute_on: str | None,
        *,
        metadata: Mapping[str, str] | None = None,
        status: str = "pending",
    ) -> str:
        """Make a payout intent of Global Payouts; returns its id."""
        self._made += 1
        id_ = f"poi_{self._made}"
        self.intents[id_] = {
            "id": id_,
            "object": "v2.money_management.payout_intent",
            "amount": {"currency": currency, "value": value},
            "metadata": dict(metadata or {}),
            "schedule_options": {"execute_on": execute_on} if execute_on else None,
            "status": status,
            "to": {"recipient": recipient},
        }
        return id_

    def add_outbound(
        self, recipient: str, currency: str, value: int, *, cancelable: bool, intent: str = ""
    ) -> str:
        """Make an outbound payment of Global Payouts that is under way; returns its id."""
        self._made += 1
        id_ = f"obp_{self._made}"
        self.outbound[id_] = {
            "id": id_,
            "object": "v2.money_management.outbound_payment",
            "amount": {"currency": currency, "value": value},
            "cancelable": cancelable,
            "metadata": {},
            "payout_intent": intent or None,
            "status": "processing",
            "to": {"recipient": recipient},
        }
        return id_

    def snapshot(self) -> Json:
        """Everything that is there, apart from it."""
        with self.lock:
            names = (
                "accounts",
                "recipients",
                "settings",
                "balances",
                "payouts",
                "intents",
                "outbound",
            )
            return deepcopy({name: getattr(self, name) for name in names})

    def day(self, today: str, only: Container[str] | None = None) -> dict[tuple[str, str], int]:
        """Let a day pass: what leaves by itself, leaves. Returns it by payee id and currency.

        With `only`, the day is that of these accounts and recipients alone.
        """
        left: dict[tuple[str, str], int] = {}
        with self.lock:
            self._make_payouts(only)
            for one in self.payouts.values():
                who = (one["account"], one["currency"])
                if one["status"] in ("pending", "in_transit") and _is_among(who[0], only):
                    one["status"] = "paid"
                    left[who] = left.get(who, 0) + one["amount"]
            for one in self.intents.values():
                due = (one["schedule_options"] or {}).get("execute_on") or today
                who = (one["to"]["recipient"], one["amount"]["currency"])
                if one["status"] == "pending" and due <= today and _is_among(who[0], only):
                    one["status"] = "posted"
                    left[who] = left.get(who, 0) + one["amount"]["value"]
        return left

    def pay_out(self, account: str) -> None:
        """Make the payouts of one account by its schedule, which are under way then."""
        with self.lock:
            self._make_payouts({account})

    def _make_payouts(self, only: Container[str] | None) -> None:
        for id_, balance in sorted(self.balances.items()):
            payouts = self.settings[id_]["payments"]["payouts"]
            if payouts["schedule"]["interval"] != "manual" and _is_among(id_, only):
                for currency, amount in sorted(balance.items()):
                    if amount > 0:
                        self.add_payout(id_, currency, amount, "pending", automatic=True)

    def fail(self, call: str, fault: Fault, times: int = 1) -> None:
        """Misbehave at the next calls of one kind, such as `POST /v1/balance_settings`."""
        self._faults += [(call, fault)] * times

    def writes(self) -> tuple[tuple[str, Json], ...]:
        """The writes that it has answered, in order: the idempotency key, and what was sent."""
        with self.lock:
            return tuple((key, asked[2]) for (_, key), (asked, _, _) in self._answers.items())

    # --- serving -----------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where its API is."""
        if self._server is None:
            message = "the double is not running"
            raise RuntimeError(message)
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Listen on a free port of this machine."""
        self._server = served(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def fault(self, name: str) -> Fault | None:
        """Take the next fault that is due at one kind of call."""
        with self.lock:
            for number, (call, fault) in enumerate(self._faults):
                if call == name:
                    del self._faults[number]
                    return fault
        return None

    def answer(self, request: Request, fault: Fault | None) -> tuple[int, Json, bool]:
        """Answer a request: its status and body, and whether it is an old answer."""
        with self.lock:
            slot = (request.account, request.key)
            asked = [request.method, request.path, request.params]
            if request.method == "POST" and slot in self._answers:
                before, status, body = self._answers[slot]
                if before != asked:
                    message = "Keys for idempotent requests can only be used with the same request"
                    refusal = _Refusal(400, "", message, "idempotency_error")
                    return refusal.status, refusal.body, False
                return status, body, True
            try:
                status, body = 200, self._do(request)
            except _Refusal as refusal:
                return refusal.status, refusal.body, False
            if fault == "500-after":
                status, body = 500, {"error": {"type": "api_error", "message": "went wrong"}}
            if request.method == "POST":
                self._answers[slot] = (asked, status, deepcopy(body))
            return status, deepcopy(body), False

    def _do(self, request: Request) -> Json:
        for method, pattern, call in _CALLS:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                return call(self, request, *found.groups())
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        raise _Refusal(404, "", message)

    def apart(self, request: Request) -> str:
        """The connected account that a call is made for. Raises as Stripe does where it is none."""
        if request.account not in self.accounts:
            raise _Refusal(403, "account_invalid", "The key does not have access to the account")
        return request.account


def _is_among(id_: str, only: Container[str] | None) -> bool:
    return only is None or id_ in only


def _own(_double: StripeDouble, _request: Request) -> Json:
    return {"id": PLATFORM, "object": "account", "metadata": {}, "country": "US"}


def _account(double: StripeDouble, _request: Request, id_: str) -> Json:
    if id_ not in double.accounts:
        raise _Refusal(403, "account_invalid", "The key does not have access to the account")
    return double.accounts[id_]


def _listed(things: list[Json], request: Request) -> Json:
    """One page of a list of API v1: https://docs.stripe.com/api/pagination ."""
    ids = [one["id"] for one in things]
    after = request.params.get("starting_after")
    start = ids.index(after) + 1 if after else 0
    page = things[start : start + PAGE]
    more = start + PAGE < len(things)
    return {"object": "list", "url": request.path, "data": page, "has_more": more}


def _listed_v2(things: list[Json], request: Request) -> Json:
    """One page of a list of API v2: https://docs.stripe.com/api/v2/pagination ."""
    start = int(request.params.get("page", 0))
    more = f"{request.path}?page={start + PAGE}" if start + PAGE < len(things) else None
    return {"data": things[start : start + PAGE], "next_page_url": more}


def _payouts(double: StripeDouble, request: Request) -> Json:
    account, status = double.apart(request), request.params.get("status")
    mine = [p for p in double.payouts.values() if p["account"] == account]
    return _listed([p for p in mine if status in (None, p["status"])], request)


def _balance(double: StripeDouble, request: Request) -> Json:
    held = double.balances[double.apart(request)]
    parts = [
        {"amount": n - n // 3, "currency": c, "source_types": {"card": n - n // 3}}
        for c, n in sorted(held.items())
    ]
    later = [{"amount": n // 3, "currency": c} for c, n in sorted(held.items())]
    return {"object": "balance", "available": parts, "pending": later, "livemode": False}


def _update_settings(double: StripeDouble, request: Request) -> Json:
    settings = double.settings[double.apart(request)]
    sent = request.params.get("payments", {}).get("payouts", {})
    if "payments" not in request.params or set(sent) - set(settings["payments"]["payouts"]):
        raise _Refusal(400, "parameter_unknown", "Received unknown parameter")
    payouts = settings["payments"]["payouts"]
    if schedule := sent.get("schedule"):
        payouts["schedule"] = _checked_schedule(schedule)
    rules = sent.get("automatic_transfer_rules_by_currency")
    if rules is not None:
        for rule in (r for each in (rules or {}).values() for r in each):
            if "transfer_up_to_amount" in rule:
                rule["transfer_up_to_amount"] = int(rule["transfer_up_to_amount"])
        payouts["automatic_transfer_rules_by_currency"] = rules or None
    return settings


def _checked_schedule(sent: Json) -> Json:
    needs = {
        "daily": None,
        "manual": None,
        "weekly": "weekly_payout_days",
        "monthly": "monthly_payout_days",
    }
    interval = sent.get("interval")
    if interval not in needs:
        raise _Refusal(400, "", "Invalid payments[payouts][schedule][interval]")
    days = needs[interval]
    if set(sent) != {"interval", *([days] if days else [])}:
        raise _Refusal(400, "parameter_unknown", "The days do not fit the interval")
    if days is None:
        return {"interval": interval}
    given = [int(day) if day.isdigit() else day for day in sent[days]]
    return {"interval": interval, days: given}


def _intent(double: StripeDouble, _request: Request, id_: str) -> Json:
    if id_ not in double.intents:
        raise _Refusal(404, "not_found", "Object not found")
    return double.intents[id_]


def _update_intent(double: StripeDouble, request: Request, id_: str) -> Json:
    intent = _intent(double, request, id_)
    if set(request.params) - {"metadata", "schedule_options"}:
        raise _Refusal(400, "unknown_field", "Unknown field")
    if intent["status"] not in _EDITABLE:
        raise _Refusal(400, "payout_intent_not_editable", "The intent was sent already")
    if options := request.params.get("schedule_options"):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", options.get("execute_on", "")):
            raise _Refusal(400, "invalid_fields", "execute_on is not a date")
        intent["schedule_options"] = options
    _set_metadata(intent, request)
    return intent


def _one_payout(double: StripeDouble, request: Request, id_: str) -> Json:
    account, found = double.apart(request), double.payouts.get(id_)
    if found is None or found["account"] != account:
        raise _Refusal(404, "resource_missing", f"No such payout: '{id_}'")
    return found


def _update_payout(double: StripeDouble, request: Request, id_: str) -> Json:
    payout = _one_payout(double, request, id_)
    if set(request.params) - {"metadata"}:
        raise _Refusal(400, "parameter_unknown", "Received unknown parameter")
    _set_metadata(payout, request)
    return payout


def _cancel_payout(double: StripeDouble, request: Request, id_: str) -> Json:
    payout = _one_payout(double, request, id_)
    if payout["automatic"] or payout["status"] != "pending":
        message = "Payouts can only be canceled when they are manual and pending"
        raise _Refusal(400, "", message)
    payout["status"] = "canceled"
    balance = double.balances[payout["account"]]
    balance[payout["currency"]] = balance.get(payout["currency"], 0) + payout["amount"]
    return payout


def _outbound(double: StripeDouble, request: Request) -> Json:
    status = request.params.get("status") or ["processing", "posted", "canceled"]
    return _listed_v2([p for p in double.outbound.values() if p["status"] in status], request)


def _set_metadata(thing: Json, request: Request) -> None:
    for name, value in (request.params.get("metadata") or {}).items():
        thing["metadata"].pop(name, None)
        if value:
            thing["metadata"][name] = value


_CALLS: tuple[tuple[str, str, Callable[..., Json]], ...] = (
    ("GET", "/v1/account", _own),
    ("GET", "/v1/accounts", lambda d, r: _listed(list(d.accounts.values()), r)),
    ("GET", "/v1/accounts/([^/]+)", _account),
    ("GET", "/v1/balance", _balance),
    ("GET", "/v1/balance_settings", lambda d, r: d.settings[d.apart(r)]),
    ("POST", "/v1/balance_settings", _update_settings),
    ("GET", "/v1/payouts", _payouts),
    ("GET", "/v1/payouts/([^/]+)", _one_payout),
    ("POST", "/v1/payouts/([^/]+)", _update_payout),
    ("POST", "/v1/payouts/([^/]+)/cancel", _cancel_payout),
    ("GET", "/v2/money_management/outbound_payments", _outbound),
    ("GET", "/v2/core/accounts", lambda d, r: _listed_v2(list(d.recipients.values()), r)),
    (
        "GET",
        "/v2/money_management/payout_intents",
        lambda d, r: _listed_v2(list(d.intents.values()), r),
    ),
    ("GET", "/v2/money_management/payout_intents/([^/]+)", _intent),
    ("POST", "/v2/money_management/payout_intents/([^/]+)", _update_intent),
)
