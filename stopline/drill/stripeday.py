"""The drill's pay day at Stripe: what leaves a platform by itself is held while its days pass.

The emulated Stripe has accounts and recipients of mercor's and of others. Each pays out by itself
beside the holds, one after the other, beginning with those that are held last. One payout of
mercor's was made before: it cannot be called back, and must be told as escaped. What left, what
stayed and what was given back is judged by Stripe's own state.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from stopline.connectors.payouts.currencies import minor_units
from stopline.drill.beside import Beside
from stopline.drill.configure import LEDGER_ID
from stopline.drill.report import Connector
from stopline.drill.stripe_double import StripeDouble
from stopline.text import Json

LEDGER = "contractors"
"""What the estate's file calls it."""
VARIABLE = "DRILL_STRIPE_KEY"
EARLY, EACH = 2, 3
"""How many are paid out before the first hold, and for how many holds another one is."""
_MINE = tuple(f"acct_p{number}" for number in range(1, 10))
_OTHERS = tuple(f"acct_other{number}" for number in range(1, 12))
_RECIPIENT, _OF_OTHERS = "acct_r1", "acct_r2"
_WEEKLY: Json = {"interval": "weekly", "weekly_payout_days": ["monday", "thursday"]}
_RULE: Json = {"payout_method": "fa_1", "type": "transfer_up_to_amount", "transfer_up_to_amount": 9}
_CURRENCIES = ("usd", "eur", "jpy", "isk")
Sums = Counter[tuple[str, str]]
"""Minor units of ISO 4217 by payee and currency."""


def _in(days: int) -> str:
    return str(datetime.now(UTC).date() + timedelta(days=days))


@dataclass
class StripeDay:
    """One platform, from `with` to its end. What is wrong is in `faults`."""

    double: StripeDouble = field(default_factory=StripeDouble)
    faults: list[str] = field(default_factory=list)
    left: Sums = field(default_factory=Counter)
    """What left of mercor's while the pause was made."""
    _was: Json = field(init=False, repr=False)
    _first: Sums = field(init=False, repr=False)
    _order: Iterator[str] = field(init=False, repr=False)
    _escaping: str = field(init=False)
    _theirs: list[str] = field(default_factory=list)
    """Intents of others: one that falls due within sixty days, one that does not."""

    def __enter__(self) -> Self:
        """Fill the platform and let it answer."""
        double = self.double
        for number, id_ in enumerate(_MINE):
            balance = dict.fromkeys(_CURRENCIES[number % 3 :][:2], 70_000 + 1_300 * number)
            who = {"payee": f"P-{number + 1:04}", "engaged_through": LEDGER_ID}
            more: dict[str, Json] = {"schedule": _WEEKLY} if number % 2 else {}
            rules = {"usd": [_RULE]} if number == 0 else None
            double.add_account(id_, balance, metadata=who, rules=rules, **more)
        for number, id_ in enumerate(_OTHERS):
            double.add_account(id_, {"usd": 500 + number})
        for id_, who in ((_RECIPIENT, {"engaged_through": LEDGER_ID}), (_OF_OTHERS, {})):
            double.recipients[id_] = {"id": id_, "object": "v2.core.account", "metadata": who}
            days = (7, 200)
            self._theirs = [double.add_intent(id_, "usd", 9_100 + n, _in(n)) for n in days]
        self._first = self._owed()
        self._escaping = double.add_payout(_MINE[0], "usd", 700, "pending", automatic=True)
        self._was, self._order = double.snapshot(), iter(reversed(_MINE[1:]))
        double.fail("POST /v1/balance_settings", "429")
        double.__enter__()
        return self

    def __exit__(self, *told: object) -> None:
        """Answer no more."""
        self.double.__exit__(*told)

    # --- the day ---------------------------------------------------------------------------------

    def beside(self) -> Beside:
        """Its days, beside a pause."""
        return Beside(self._pay, self._held, EARLY, EACH)

    def _pay(self, _run: str) -> None:
        if id_ := next(self._order, ""):
            self.left += self._sums(self.double.day(_in(0), (id_,)))

    def _held(self) -> int:
        with self.double.lock:
            return sum(self._is_manual(id_) for id_ in _MINE)

    def _is_manual(self, id_: str) -> bool:
        schedule = self.double.settings[id_]["payments"]["payouts"]["schedule"]
        return bool(schedule["interval"] == "manual")

    def judge(self, targets: set[str], held: set[str]) -> Connector:
        """Let everything leave that can: what of mercor's is held stays, and others are paid.

        Targets, and what is held, are accounts and intents.
        """
        double, kept = self.double, self._owed()
        gone = double.day(_in(60))
        escaped = self._sums(gone)
        self.left += escaped
        if escaped != self.escaped() or self._owed() != kept:
            self.faults.append("payouts: something left Stripe in spite of its hold")
        if self._first != self.left + kept:
            self.faults.append("payouts: what was owed at Stripe is not what left and what is held")
        late = [id_ for id_ in _OTHERS if any(double.balances[id_].values())]
        late += [id_ for id_ in self._theirs[:1] if double.intents[id_]["status"] != "posted"]
        self.faults += [f"payouts: Stripe's {id_} is not held" for id_ in sorted(targets - held)]
        self.faults += [f"payouts: the bystanders' {id_} was not paid by Stripe" for id_ in late]
        number = len(_OTHERS) + 1
        return Connector(
            len(targets), len(targets & held), self._kept(), number, number - len(late)
        )

    def _kept(self) -> int:
        """How many accounts and intents of mercor's Stripe could not pay out."""
        intents = self.double.intents.values()
        mine = [i for i in intents if i["to"]["recipient"] == _RECIPIENT]
        return self._held() + len([i for i in mine if i["status"] == "pending"])

    def held(self) -> Sums:
        """What is owed to mercor's through Stripe and has not left."""
        return self._owed()

    def escaped(self) -> Sums:
        """What the report must tell as escaped at least: the payout that was made before."""
        return Counter({("P-0001", "USD"): self.double.payouts[self._escaping]["amount"]})

    def compare(self) -> bool:
        """Whether all is as it was; what is paid then is exactly what was held."""
        now, owed = self.double.snapshot(), self._owed()
        same = all(now[n] == self._was[n] for n in ("accounts", "settings", "recipients"))
        sent = self._theirs[:1]
        same &= all(now["intents"][i] == one
                    for i, one in self._was["intents"].items() if i not in sent)  # fmt: skip
        if not same:
            self.faults.append("payouts: Stripe is not as it was, after the rollback")
        gone = self.double.day(_in(400))
        if self._sums(gone) != owed:
            self.faults.append("payouts: Stripe did not pay exactly what was held")
        return same

    # --- Stripe's own state ----------------------------------------------------------------------

    def _owed(self) -> Sums:
        """Balances, and intents that were not sent, of mercor's."""
        found: dict[tuple[str, str], int] = {}
        with self.double.lock:
            for id_ in _MINE:
                found |= {(id_, c): n for c, n in self.double.balances[id_].items() if n}
            for one in self.double.intents.values():
                who = (one["to"]["recipient"], one["amount"]["currency"])
                if one["status"] == "pending" and who[0] == _RECIPIENT:
                    found[who] = found.get(who, 0) + one["amount"]["value"]
        return self._sums(found)

    def _sums(self, found: Mapping[tuple[str, str], int]) -> Sums:
        """What there is of mercor's, by the payee's id in the lab's own ledgers."""
        total: Sums = Counter()
        for (id_, currency), amount in found.items():
            if id_ not in {*_MINE, _RECIPIENT}:
                continue
            code, whole = minor_units(currency, amount)
            known = self.double.accounts.get(id_, {}).get("metadata", {})
            total[known.get("payee", id_), code] += whole
        return total
