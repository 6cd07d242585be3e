"""Ledgers for tests: owed to mercor, to a contractor of it, and to somebody else."""

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from stopline.connectors.payouts import ledger as l
from stopline.estate import Estate, Ledger, PayoutsEstate
from stopline.playbook import Approvals, Phase, Playbook, Rule
from stopline.vendors import Vendor, VendorPayouts

LEDGER = "accounts"
ESTATE = Estate(payouts=PayoutsEstate(ledgers={LEDGER: Ledger(url_from="LEDGER_URL")}))
BASIS = "payment order of the court, 2026-11-24"
VENDOR = Vendor(vendor="mercor", payouts=VendorPayouts(vendors=("V-MERCOR",), legal_basis=BASIS))
RULE = Rule(name="hold-payables", connector="payouts", contains="payables", how="hold")
PLAYBOOK = Playbook(
    playbook="p",
    phases=(Phase(name="payouts", rules=(RULE,)),),
    approvals=Approvals(contain="second-person"),
)


def in_flight(how: str) -> Playbook:
    """The same playbook with a rule for what a pay run has in its batch."""
    rule = Rule(name="in-flight", connector="payouts", contains="in-flight", how=how)
    return PLAYBOOK.model_copy(update={"phases": (Phase(name="payouts", rules=(RULE, rule)),)})


OTHERS = {"code": "W-9", "mark": "tax team"}


def filled(engine: Engine, owed: list[tuple[str, str, int]]) -> Engine:
    """Make a ledger in which so much is owed: payee, currency and minor units of each payable."""
    l.create(engine)
    payees = {"V-MERCOR": "", "c1": "V-MERCOR", "c2": "V-MERCOR", "V-MERCER": ""}
    with engine.begin() as connection:
        for payee, through in payees.items():
            connection.execute(sa.insert(l.PAYEES).values(id=payee, engaged_through=through))
        for number, (payee, currency, amount) in enumerate(owed):
            values = {"id": f"p{number}", "uid": f"u{number}", "payee": payee}
            values |= {"currency": currency, "amount": amount}
            connection.execute(sa.insert(l.PAYABLES).values(values))
    return engine
