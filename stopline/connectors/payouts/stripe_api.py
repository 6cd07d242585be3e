"""Stripe over its own SDK: the calls that we make, as plain data, with typed causes.

The API's version is pinned here, so that a newer SDK changes nothing by itself. Reads are asked
again by the SDK; a write is sent once, with a key that is the same for each attempt at the same
change. What Stripe answers to a key that it knows is the first answer, also an error: such a
replay proves nothing about now, so the account is read, and the next key is used where the change
does not stand. Neither the key of the API nor a text of Stripe's is ever in a cause.
https://docs.stripe.com/api/versioning https://docs.stripe.com/api/idempotent_requests
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import quote

import stripe
from stripe import RequestOptions

from stopline.connectors.payouts.intents import Stands
from stopline.errors import ConnectorError
from stopline.receipts import Cause
from stopline.settings import settings, variable
from stopline.text import Json, dump, sha256

VERSION = "2026-10-28.endive"
API = "https://api.stripe.com"
_READS = 2
"""How often the SDK asks again for what it only reads."""
_WAITS = (0.25, 0.5, 1.0)
"""Seconds between attempts at a read that Stripe slows down."""
_KEYS = 8
"""How many keys one change may use up: one for each time that it was undone and made again."""
_STATUS: Mapping[int, tuple[Cause, bool | None]] = {
    401: (Cause.CREDENTIALS, False),
    403: (Cause.DENIED, False),
    404: (Cause.GONE, False),
    409: (Cause.BUSY, None),  # another request with the same key is under way
    429: (Cause.THROTTLED, False),
}
R = TypeVar("R")
_REFUSED, _SERVER_ERROR = 400, 500


class _ReplayError(Exception):
    """The answer is one that Stripe gave before to the same key."""


@contextmanager
def _asked(rail: str, *, writing: bool) -> Iterator[None]:
    """Turn what the SDK raises into a typed cause."""
    try:
        yield
    except stripe.StripeError as error:
        if writing and _is_replay(error.headers or {}):
            raise _ReplayError from None
        status, code = error.http_status, _code(error)
        if status is None:
            what, cause, landed = "no answer", Cause.UNREACHABLE, None
        elif status < _REFUSED or status >= _SERVER_ERROR:  # also an answer that is no JSON
            what, cause, landed = str(status), Cause.UNREACHABLE, None
        else:
            cause, landed = _STATUS.get(status, (Cause.REFUSED, False))
            what = " ".join(filter(None, (str(status), code, error.request_id)))
            if code == "account_invalid":  # the platform was asked for by name: it is ours
                cause = Cause.GONE
        detail = f"Stripe, for the ledger {rail}: {what}"
        raise ConnectorError(cause, detail, landed=landed if writing else False) from None


def _code(error: stripe.StripeError) -> str:
    """Stripe's code, which the SDK keeps only of some errors."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    told = body.get("error")
    return str((told.get("code") if isinstance(told, dict) else "") or error.code or "")


def _is_replay(headers: Mapping[str, str]) -> bool:
    told = {name.lower(): value for name, value in headers.items()}
    return told.get("idempotent-replayed") == "true"


@dataclass
class StripeApi:
    """One platform of the lab's at Stripe. `key_from` names the variable that holds its key.

    `platform` is the id that the key must belong to, and `live` says whether it must be a key of
    live mode: with another key, every account of the vendor's would seem to be gone.
    """

    rail: str
    key_from: str
    platform: str
    base: str = API
    live: bool = True
    _client: tuple[str, stripe.StripeClient] | None = field(default=None, repr=False)

    def client(self) -> stripe.StripeClient:
        """Return the client for the key as it is set now. Raises ConnectorError where it is wrong.

        GET /v1/account: https://docs.stripe.com/api/accounts/retrieve
        """
        key = variable(self.key_from)
        if self._client and self._client[0] == key:
            return self._client[1]
        if not key:
            detail = f"the ledger {self.rail}: {self.key_from} is not set to a key of Stripe's"
            raise ConnectorError(Cause.CREDENTIALS, detail)
        if ("_test_" in key) is self.live:
            mode = "live" if self.live else "test"
            detail = f"the ledger {self.rail}: {self.key_from} holds no key of {mode} mode"
            raise ConnectorError(Cause.CREDENTIALS, detail)
        made = stripe.StripeClient(
            key,
            stripe_version=VERSION,
            base_addresses={"api": self.base},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=_patience()),
        )
        with _asked(self.rail, writing=False):
            found = made.v1.accounts.retrieve_current(options={"max_network_retries": _READS})
        if found.id != self.platform:
            detail = f"the ledger {self.rail}: {self.key_from} is not a key of {self.platform}"
            raise ConnectorError(Cause.CREDENTIALS, detail)
        self._client = (key, made)
        return made

    def accounts(self) -> list[Json]:
        """Every connected account: https://docs.stripe.com/api/accounts/list ."""
        service = self.client().v1.accounts
        return self._all(lambda: service.list({"limit": 100}, _reading()))

    def recipients(self) -> list[Json]:
        """Every recipient of Global Payouts: https://docs.stripe.com/api/v2/core/accounts/list ."""
        service = self.client().v2.core.accounts
        wanted: Any = {"applied_configurations": ["recipient"], "limit": 100}
        return self._all(lambda: service.list(wanted, _reading()))

    def every_intent(self) -> list[Json]:
        """Every payout intent: https://docs.stripe.com/api/v2/money-management/payout-intents ."""
        service = self.client().v2.money_management.payout_intents
        return self._all(lambda: service.list({"limit": 100}, _reading()))

    def payouts(self, account: str, status: str) -> list[Json]:
        """The payouts of one account in one status: https://docs.stripe.com/api/payouts/list ."""
        service = self.client().v1.payouts
        wanted: Any = {"status": status, "limit": 100}
        return self._all(lambda: service.list(wanted, _reading(account)))

    def outbound(self) -> list[Json]:
        """Every outbound payment that Stripe is about to send.

        https://docs.stripe.com/api/v2/money-management/outbound-payments/list
        """
        service = self.client().v2.money_management.outbound_payments
        wanted: Any = {"status": ["processing"], "limit": 100}
        return self._all(lambda: service.list(wanted, _reading()))

    def payout(self, account: str, payout: str) -> Json:
        """One payout of an account: https://docs.stripe.com/api/payouts/retrieve ."""
        service = self.client().v1.payouts
        return self._one(lambda: service.retrieve(payout, {}, _reading(account)))

    def account(self, account: str) -> Json:
        """One connected account: https://docs.stripe.com/api/accounts/retrieve ."""
        service = self.client().v1.accounts
        return self._one(lambda: service.retrieve(account, {}, _reading()))

    def balance(self, account: str) -> Json:
        """What one account's balance holds: https://docs.stripe.com/api/balance ."""
        service = self.client().v1.balance
        return self._one(lambda: service.retrieve({}, _reading(account)))

    def settings(self, account: str) -> Json:
        """How one account is paid out: https://docs.stripe.com/api/balance-settings ."""
        client, options = self.client(), _reading(account)
        return self._one(lambda: client.raw_request("get", "/v1/balance_settings", **options).data)

    def intent(self, intent: str) -> Json:
        """One payout intent: https://docs.stripe.com/api/v2/money-management/payout-intents ."""
        service = self.client().v2.money_management.payout_intents
        return self._one(lambda: service.retrieve(intent, {}, _reading()))

    def set_payouts(
        self, account: str, payouts: Mapping[str, Json], key: str, stands: Stands
    ) -> None:
        """Set how an account is paid out: https://docs.stripe.com/api/balance-settings/update .

        `key` and `stands` as in `set_intent`.
        """
        params = {"payments": {"payouts": payouts}}
        self._once("/v1/balance_settings", params, (account, key), stands)

    def set_intent(self, intent: str, fields: Mapping[str, Json], key: str, stands: Stands) -> None:
        """Change an intent: https://docs.stripe.com/api/v2/money-management/payout-intents/update .

        `key` is the same for each attempt at the same change. `stands` reads whether it is made,
        and is asked only when Stripe repeats an old answer.
        """
        path = f"/v2/money_management/payout_intents/{quote(intent, safe='')}"
        self._once(path, fields, ("", key), stands)

    def set_payout(
        self, account: str, payout: str, metadata: dict[str, Json], key: str, stands: Stands
    ) -> None:
        """Change a payout's metadata: https://docs.stripe.com/api/payouts/update .

        `key` and `stands` as in `set_intent`.
        """
        path = f"/v1/payouts/{quote(payout, safe='')}"
        self._once(path, {"metadata": metadata}, (account, key), stands)

    def cancel_payout(self, account: str, payout: str, key: str, stands: Stands) -> None:
        """Cancel a payout for good: https://docs.stripe.com/api/payouts/cancel .

        `key` and `stands` as in `set_intent`.
        """
        self._once(f"/v1/payouts/{quote(payout, safe='')}/cancel", {}, (account, key), stands)

    def _one(self, call: Callable[[], Any]) -> Json:
        return self._patiently(lambda: _plain(call()))

    def _all(self, call: Callable[[], Any]) -> list[Json]:
        return self._patiently(lambda: [_plain(one) for one in call().auto_paging_iter()])

    def _patiently(self, read: Callable[[], R]) -> R:
        """Read, again after a moment where Stripe asks us to slow down.

        25 calls a second of one kind are its limit: https://docs.stripe.com/rate-limits .
        """
        for wait in _WAITS:
            try:
                with _asked(self.rail, writing=False):
                    return read()
            except ConnectorError as error:
                if error.cause is not Cause.THROTTLED:
                    raise
            sleep(wait)
        with _asked(self.rail, writing=False):
            return read()

    def _once(
        self, path: str, params: Mapping[str, Json], who: tuple[str, str], stands: Stands
    ) -> None:
        """Send one write. Raw, since an answer that the SDK cannot read is no reason to fail."""
        client, (account, key) = self.client(), who
        key = f"{key}-{sha256(dump(params))[:12]}"  # one key takes one request
        began = monotonic()
        for number in range(_KEYS):
            if monotonic() - began > _patience():
                break
            options = _writing(f"{key}-{number}", account)
            try:
                with _asked(self.rail, writing=True):
                    answer = client.raw_request("post", path, **params, **options)
            except _ReplayError:
                pass
            else:
                if not _is_replay(answer.headers):
                    return
            if stands():
                return
        detail = f"Stripe, for the ledger {self.rail}: it repeats old answers to this change"
        raise ConnectorError(Cause.BUSY, detail)


def _plain(value: Any) -> Json:
    """The SDK's objects as plain data, also those that it leaves inside others."""
    if isinstance(value, stripe.StripeObject):
        value = value.to_dict(recursive=False)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _patience() -> float:
    """Seconds for one answer: a look, a write and what Stripe repeats end inside one lease."""
    return settings().request_seconds / 3


def _reading(account: str = "") -> RequestOptions:
    options: RequestOptions = {"max_network_retries": _READS}
    if account:
        options["stripe_account"] = account
    return options


def _writing(key: str, account: str = "") -> RequestOptions:
    options: RequestOptions = {"max_network_retries": 0, "idempotency_key": key}
    if account:
        options["stripe_account"] = account
    return options
