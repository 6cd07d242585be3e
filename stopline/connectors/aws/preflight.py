"""Whether we shall be able to, asked before the night: who we are, what we may, clock, quotas.

Nothing here writes. Rights to read are tried with calls about ourselves or about nobody; rights
to write can only be simulated, or be shown by a canary.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from botocore import xform_name

from stopline.connectors.aws import (
    destinations,
    doors,
    marks,
    naming,
    policies,
    policy,
    reading,
)
from stopline.connectors.aws.clients import Clients
from stopline.connectors.aws.edited import APP_CLIENTS, CLIENT_ACTIONS
from stopline.connectors.aws.further import OREGON
from stopline.connectors.aws.nobody import NOBODY, about_nobody
from stopline.connectors.aws.outbound import (
    EVENT_TARGETS,
    LOG_SUBSCRIPTIONS,
    SUBSCRIPTION_ACTIONS,
    TARGET_ACTIONS,
    TOPIC_SUBSCRIPTIONS,
)
from stopline.connectors.aws.permissions import READ, WRITE, operation_of
from stopline.connectors.aws.shares import ROWS
from stopline.errors import ConnectorError
from stopline.estate import Protected
from stopline.planner import protects
from stopline.preflight import Check
from stopline.receipts import Cause
from stopline.text import Json

SKEW_WARN, SKEW_FAIL = 60, 300
"""Seconds; a signature is good for five minutes.
https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html"""

NEARLY_FULL = 0.9
_SHOWN_ELSEWHERE = frozenset(
    {"sts:AssumeRole", "sts:GetCallerIdentity", "iam:SimulatePrincipalPolicy"}
)


@dataclass(frozen=True, slots=True)
class _Looked:
    """One account: the checks, and what can be held against the protected list."""

    checks: tuple[Check, ...]
    arns: frozenset[str] | None = None


def preflight(
    clients: Clients, protected: Protected, clock: Callable[[], float] = time.time
) -> Iterator[Check]:
    """Look at every account side by side, then at what is protected."""
    numbers = sorted(clients.estate.accounts)
    with ThreadPoolExecutor(len(numbers)) as pool:
        looked = list(pool.map(lambda n: _account(_Eyes(clients, n, protected, clock)), numbers))
    for one in looked:
        yield from one.checks
    yield from _protected(looked, protected)


@dataclass(frozen=True, slots=True)
class _Eyes:
    clients: Clients
    account: str
    protected: Protected
    clock: Callable[[], float]

    def check(self, what: str, found: str, next_step: str = "", *, grade: str = "ok") -> Check:
        """One line about this account; `grade` is ok, warn or fail."""
        name = f"aws {self.account} {what}"
        step = "" if grade == "ok" else next_step
        return Check(name, grade != "fail", found, step, warn=grade == "warn")

    def ask(self, service: str, operation: str, **words: Any) -> Any:
        """Make one reading call. Raises ConnectorError."""
        return self.clients.ask(self.account, service, operation, **words)


def _account(eyes: _Eyes) -> _Looked:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    checks, caller = list[Check](), ""
    for what, role, call in _identities(eyes):
        try:
            answer = call(eyes.account, "sts", "get_caller_identity")
        except ConnectorError as error:
            checks.append(_nobody(eyes, what, role, error))
            continue
        checks.append(_who(eyes, what, role, answer))
        caller = caller or answer["Arn"]
        if what == "reads as":
            checks.append(_clock(eyes, answer))
    if not caller or not checks[0].ok:
        return _Looked(tuple(checks))
    names = _bucket_names(eyes)
    checks += [_may_read(eyes, names), _may_write(eyes, caller)]
    try:
        account = reading.account(eyes.clients, eyes.account)
    except ConnectorError as error:
        step = _give("read", "iam:GetAccountAuthorizationDetails")
        return _Looked((*checks, eyes.check("quotas", brief(error), step, grade="fail")))
    checks += [*_quotas(eyes, account)]
    arns = {i.arn for i in account.identities} | {f"arn:aws:s3:::{name}" for name in names}
    return _Looked(tuple(checks), frozenset(arns))


# --- who -----------------------------------------------------------------------------------------


def _identities(eyes: _Eyes) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    reads, writes = eyes.clients.read_role(eyes.account), eyes.clients.role(eyes.account)
    yield "reads as", reads, eyes.clients.ask
    if writes != reads:
        yield "writes as", writes, partial(twice, eyes.clients.do)


def twice(do: Callable[..., Any], *args: str) -> Any:
    """Ask again where credentials took too long for a write: by then they are there."""
    try:
        return do(*args)
    except ConnectorError as error:
        if error.cause is not Cause.THROTTLED:
            raise
        return do(*args)


def _nobody(eyes: _Eyes, what: str, role: str, error: ConnectorError) -> Check:
    whom = role or "the worker's own credentials"
    step = "Give the worker credentials that may call sts:AssumeRole on it, and check its trust."
    if "xpired" in error.detail or "TooSkewed" in error.detail:
        step = "Set the worker's clock by NTP: a signature is good for five minutes."
    return eyes.check(what, f"not as {whom}: {brief(error)}", step, grade="fail")


def _who(eyes: _Eyes, what: str, role: str, answer: Json) -> Check:
    arn = str(answer["Arn"])
    if answer["Account"] != eyes.account:
        step = "Name the account's role in the estate's file: `aws.role`."
        return eyes.check(what, f"{arn}, which is another account's", step, grade="fail")
    if not protects(eyes.protected.orchestrator, role, arn):
        step = f"List {role or arn} under `protected.orchestrator` in the estate's file."
        found = f"{arn}, from which no guard keeps a plan away"
        return eyes.check(what, found, step, grade="warn")
    return eyes.check(what, arn)


def _clock(eyes: _Eyes, answer: Json) -> Check:
    """The Date of AWS's answer against our clock; its grain is a second."""
    theirs = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    skew = round(abs(eyes.clock() - theirs))
    grade = "fail" if skew > SKEW_FAIL else "warn" if skew > SKEW_WARN else "ok"
    step = "Set the worker's clock by NTP: a signature is good for five minutes."
    return eyes.check("clock", f"{skew} s from AWS's", step, grade=grade)


# --- rights --------------------------------------------------------------------------------------


def _bucket_names(eyes: _Eyes) -> list[str]:
    try:
        return sorted(b["Name"] for b in eyes.ask("s3", "list_buckets").get("Buckets", ()))
    except ConnectorError:
        return []  # the right to list them is tried below, and said there


def _may_read(eyes: _Eyes, buckets: Sequence[str]) -> Check:
    """Try each action that is declared as read: about ourselves, or things that do not exist."""
    denied, untried = list[str](), list[str]()
    left = _left_out(eyes)
    declared = READ - _SHOWN_ELSEWHERE - _not_sent(eyes)
    wanted = sorted(a for a in declared if operation_of(a)[0] not in left)
    for action in wanted:
        words = about_nobody(eyes.clients, eyes.account, action, buckets)
        if words is None:
            untried.append(action)
            continue
        service, operation = operation_of(action)
        place = f"{service}/{OREGON}" if "MultiRegion" in operation else service
        try:
            eyes.ask(place, xform_name(operation), **words)
        except ConnectorError as error:
            if error.cause in (Cause.DENIED, Cause.CREDENTIALS):
                denied.append(action)
            elif error.cause in (Cause.THROTTLED, Cause.UNREACHABLE, Cause.BUG):
                untried.append(action)
    tried = len(wanted) - len(untried)
    found = f"{tried - len(denied)} of {len(wanted)} rights are there, as tried"
    found += f"; denied: {', '.join(denied)}" if denied else ""
    found += f"; not tried: {', '.join(untried)}" if untried else ""
    grade = "fail" if denied else "warn" if untried else "ok"
    step = _give("read", *(denied or untried))
    return eyes.check("rights to read", found, step, grade=grade)


def _give(kind: str, *actions: str) -> str:
    """What to attach to the role that reads, or writes, where it lacks these actions."""
    role = {"read": "reading", "write": "writing"}[kind]
    return f"Give the {role} role what {policies.where_said(kind, actions)}."


def _left_out(eyes: _Eyes) -> set[str]:
    """Services that nobody asks here: of resources that the estate's file leaves out."""
    kinds = eyes.clients.estate.resources
    rows = (*ROWS, *naming.TABLE.values())
    wanted = {
        one for row in rows if row.contains in kinds or row.service == "iam" for one in row.asks
    }
    wanted |= {doors.SERVICE} if doors.RESOURCE in kinds else set()
    center = eyes.clients.estate.identity_center
    people = () if center and center.account == eyes.account else _OF_PEOPLE
    return {*people, doors.SERVICE, *(one for row in rows for one in row.asks)} - wanted


def _not_sent(eyes: _Eyes) -> frozenset[str]:
    """What is asked of services that are asked for more, only where the estate's file wants it."""
    kinds = eyes.clients.estate.resources
    besides = (
        (destinations.RESOURCE, destinations.ACTIONS),
        (APP_CLIENTS.contains, CLIENT_ACTIONS),
        (EVENT_TARGETS.contains, TARGET_ACTIONS),
        (TOPIC_SUBSCRIPTIONS.contains, SUBSCRIPTION_ACTIONS),
        (LOG_SUBSCRIPTIONS.contains, frozenset({"logs:DescribeLogGroups"})),
        *((row.contains, row.actions) for row in naming.TABLE.values()),
    )
    left = (actions for kind, actions in besides if kind not in kinds)
    return frozenset().union(*left)


_OF_PEOPLE = ("identitystore", "sso-admin")
"""Asked for in the one account in which Identity Center is administered."""


def _may_write(eyes: _Eyes, caller: str) -> Check:
    """Have AWS say, for each write that is declared, whether our role may make it.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    missing = list[str]()
    try:
        source = eyes.clients.role(eyes.account) or _source(eyes, caller)
        for statement in policies.statements(WRITE):
            missing += _simulated(eyes, source, statement)
    except ConnectorError as error:
        found = f"not checked, since they cannot be simulated here: {brief(error)}"
        step = f"`stopline doctor --canary {eyes.account}` shows them by using them."
        return eyes.check("rights to write", found, step, grade="warn")
    if missing:
        step = _give("write", *missing)
        found = f"denied: {', '.join(sorted(missing))}"
        return eyes.check("rights to write", found, step, grade="fail")
    return eyes.check("rights to write", f"all {len(WRITE)} are allowed, as AWS simulates them")


def _source(eyes: _Eyes, caller: str) -> str:
    """The ARN of who we are, as IAM has it: a session's does not say its role's path."""
    role = policy.role_of_session(caller)
    if role == caller:
        return caller
    found: str = eyes.ask("iam", "get_role", RoleName=role.rpartition("/")[2])["Role"]["Arn"]
    return found


def _simulated(eyes: _Eyes, source: str, statement: Mapping[str, Any]) -> list[str]:
    context = [
        {"ContextKeyName": key, "ContextKeyType": "string",
         "ContextKeyValues": [_sample(eyes, policy.listed(value)[0])]}
        for tests in statement.get("Condition", {}).values()
        for key, value in tests.items()
    ]  # fmt: skip
    answer = eyes.clients.ask_once(
        eyes.account,
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=source,
        ActionNames=statement["Action"],
        ResourceArns=[_sample(eyes, resource) for resource in statement["Resource"]],
        ContextEntries=context,
        MaxItems=1000,
    )
    return [
        result["EvalActionName"]
        for result in answer["EvaluationResults"]
        if result["EvalDecision"] != "allowed"
    ]


def _sample(eyes: _Eyes, pattern: str) -> str:
    """Something of this account that a pattern matches; `*` is what AWS itself says for nothing."""
    if pattern == "*":
        return pattern
    known = pattern.replace(":*:*:", f":{eyes.clients.regions[0]}:{eyes.account}:")
    return known.replace("::*:", f"::{eyes.account}:").replace("*", NOBODY)


# --- quotas --------------------------------------------------------------------------------------


def _quotas(eyes: _Eyes, account: reading.Account) -> Iterator[Check]:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html"""
    try:
        summary: Json = eyes.ask("iam", "get_account_summary")["SummaryMap"]
    except ConnectorError as error:
        step = _give("read", "iam:GetAccountSummary")
        yield eyes.check("quotas", brief(error), step, grade="fail")
        return
    used, quota = summary["Policies"], summary["PoliciesQuota"]
    full = used >= quota and not account.our_policies
    grade = "fail" if full else "warn" if used >= quota * NEARLY_FULL else "ok"
    step = "Our deny-all policy needs one: delete what nobody uses, or have the quota raised."
    yield eyes.check("policies", f"{used} of {quota} managed policies", step, grade=grade)
    yield _attachments(eyes, account, summary)


def _attachments(eyes: _Eyes, account: reading.Account, summary: Json) -> Check:
    room = {
        "user": summary["AttachedPoliciesPerUserQuota"],
        "role": summary["AttachedPoliciesPerRoleQuota"],
    }
    full = sorted(
        identity.arn
        for identity in account.identities
        if sum(not marks.journal_of_policy(a) for a in identity.attached) >= room[identity.kind]
    )
    if not full:
        number = len(account.identities)
        return eyes.check("attachments", f"room for ours on all {number} users and roles")
    more = f" and {len(full) - 3} more" if len(full) > 3 else ""  # noqa: PLR2004 - as many as shown
    found = f"no room for ours on {', '.join(full[:3])}{more}"
    step = "If they are a vendor's: detach what they do not need, or have the quota raised."
    return eyes.check("attachments", found, step, grade="warn")


# --- what is protected ---------------------------------------------------------------------------


def _protected(looked: Sequence[_Looked], protected: Protected) -> Iterator[Check]:
    """A guard whose pattern matches nobody protects nobody: mostly a slip of the pen."""
    known = [one.arns for one in looked if one.arns is not None]
    whole = len(known) == len(looked)
    arns = sorted(arn for some in known for arn in some)
    for kind in type(protected).model_fields:
        patterns = getattr(protected, kind)
        empty = [p for p in patterns if _ours(p) and not any(policy.matches([p], a) for a in arns)]
        name = f"protected {kind.replace('_', ' ')}"
        if not patterns:
            step = f"Name them under `protected.{kind}` in the estate's file."
            yield Check(
                name,
                ok=True,
                found="nothing is named, so no guard looks",
                next_step=step,
                warn=True,
            )
        elif empty:
            beyond = "" if whole else ", among the accounts that could be read"
            step = "Correct the ARN, or take it out: a guard of nobody is no guard."
            yield Check(
                name,
                ok=True,
                found=f"nobody is {', '.join(empty)}{beyond}",
                next_step=step,
                warn=True,
            )
        else:
            yield Check(name, ok=True, found=f"each of {len(patterns)} entries is somebody")


def _ours(pattern: str) -> bool:
    """Whether a pattern is about users, roles or buckets; of others we know nothing."""
    return any(what in pattern for what in (":user/", ":role/", ":s3:::"))


def brief(error: ConnectorError, most: int = 160) -> str:
    """What an error says, cut short."""
    text = " ".join(error.detail.split())
    return text if len(text) <= most else f"{text[:most]}..."
