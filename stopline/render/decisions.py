"""What a pause holds of money, as a file in which people settle and dispute it. Pure."""

import json
from collections.abc import Iterable

from stopline.money import keeps
from stopline.receipts import Hold

_OF_MARKS = (
    "# A payout-mark keeps nothing back: the payout that it is on leaves unless it is cancelled.",
    "# There settle lets it be sent, dispute cancels it at Stripe for good (what comes back stays",
    "# held), and undecided leaves it marked: it is not cancelled, and is sent meanwhile.",
)


def decisions_file(vendor: str, pause: str, holds: Iterable[Hold]) -> str:
    """Held money as a YAML file to be answered; each entry says what it is about."""
    held = tuple(holds)
    lines = [
        f"# Money that the pause {pause} of {vendor} holds, hold by hold.",
        "# For each say settle (the hold is lifted, and a pay run of the lab's pays it), dispute",
        "# (it stays held; give a reason and review_by, the day on which it is looked at again)",
        "# or undecided (it stays held, the pause stays open). Who approves reads the reasons.",
        *(_OF_MARKS if any(not keeps(hold.address) for hold in held) else ()),
        f"# Then: stopline terminate {pause} --reason WHY --decisions FILE",
        "decisions:",
    ]
    for hold in held:
        lines.append(f"  - address: {json.dumps(str(hold.address))}")
        lines.append(f"    payee: {json.dumps(hold.change.principal)}")
        lines.append(f"    holds: {json.dumps(hold.change.summary)}")
        lines.append("    decision: undecided")
        lines.append('    reason: ""')
        lines.append('    review_by: ""')
    return "\n".join(lines) + "\n"
