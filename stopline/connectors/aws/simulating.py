"""AWS's own word on a principal that we denied, where the estate's file asks for it.

Its simulator evaluates what AWS itself holds: policies, groups, boundary, and the organization's
service control policies. It is a second opinion beside ours (`proving`), and replaces none of it.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from collections.abc import Iterator, Sequence
from itertools import islice

from stopline.connectors.aws.claims import USUAL, Standing
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.policy import listed, statements
from stopline.errors import ConnectorError

MOST = 50
"""Actions that are asked about for one principal: those of every vendor, and its own."""


def let_past(clients: Clients, account: str, standing: Standing) -> str:
    """What AWS says that a principal can still do, as a sentence; nothing where it is nothing.

    Where AWS does not answer, that it does not. A simulation knows no policy of any resource.
    """
    words = {"PolicySourceArn": standing.arn, "ActionNames": list(_actions(standing))}
    try:
        pages = clients.pages(account, "iam", "simulate_principal_policy", **words)
    except ConnectorError as error:
        return f"AWS's own simulator did not say: {error.detail}"
    results = [result for page in pages for result in page["EvaluationResults"]]
    for result in results:
        if result["EvalDecision"] == "allowed":
            act = result["EvalActionName"]
            return f"AWS's own simulator says that {standing.arn} can still {act}"
    return "" if results else "AWS's own simulator answered nothing"


def _actions(standing: Standing) -> Sequence[str]:
    """Names of whole actions, since it takes no pattern."""
    named = dict.fromkeys((*(action for action, _ in USUAL), *_named(standing)))
    return tuple(islice(named, MOST))


def _named(standing: Standing) -> Iterator[str]:
    for document in standing.documents:
        for statement in statements(document):
            if statement.get("Effect") == "Allow":
                actions = (str(action) for action in listed(statement.get("Action")))
                yield from (a for a in actions if ":" in a and not set(a) & {"*", "?"})
