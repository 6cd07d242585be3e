"""Our evaluator held against one that we did not write, on generated requests and policies.

`@cloud-copilot/iam-simulate` is under the AGPL: it is never shipped and never imported, it answers
as a process of its own. `make oracle` installs it, by hash, and asks it thousands of questions.
https://github.com/cloud-copilot/iam-simulate
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from stopline.connectors.aws.evaluating import Answer, Policies, Request, evaluate

FOLDER = Path(sys.prefix) / "oracle"
OURS, THEIRS = "111122223333", "444455556666"
NOW = "2026-06-01T00:00:00Z"
ACTS = (
    ("s3:GetObject", "arn:aws:s3:::training/data.csv"),
    ("s3:PutObject", "arn:aws:s3:::training/data.csv"),
    ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{OURS}:labels"),
    ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{OURS}:secret:api-a1b2c3"),
    ("dynamodb:Query", f"arn:aws:dynamodb:us-east-1:{OURS}:table/labels"),
    ("dynamodb:Query", f"arn:aws:dynamodb:us-east-1:{OURS}:table/labels/index/by-date"),
    ("kms:Decrypt", f"arn:aws:kms:us-east-1:{OURS}:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("sts:AssumeRole", f"arn:aws:iam::{OURS}:role/annotator"),
    ("sns:Publish", f"arn:aws:sns:us-east-1:{OURS}:labels"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{OURS}:function:label"),
)
CONDITIONS: Sequence[tuple[str, str, Sequence[Any]]] = (
    ("StringEquals", "aws:PrincipalAccount", (OURS, THEIRS, [OURS, THEIRS])),
    ("StringNotEquals", "aws:PrincipalAccount", (OURS, THEIRS)),
    ("ArnLike", "aws:PrincipalArn", ("arn:aws:iam::*:user/*", f"arn:aws:iam::{THEIRS}:role/*")),
    ("ArnNotLike", "aws:PrincipalArn", ("arn:aws:iam::*:user/mercor/*", "arn:aws:*::*:role/*")),
    ("ArnEquals", "aws:PrincipalArn", (f"arn:aws:iam::{OURS}:user/mercor/ann",)),
    ("DateLessThan", "aws:TokenIssueTime", ("2026-05-31T00:00:00Z", "2026-07-01T00:00:00Z")),
    ("DateGreaterThan", "aws:CurrentTime", ("2026-05-31T00:00:00Z", "2026-07-01T00:00:00Z")),
    ("Bool", "aws:SecureTransport", ("true", "false")),
    ("BoolIfExists", "aws:PrincipalIsAWSService", ("true", "false")),
    ("Null", "aws:SourceVpce", ("true", "false")),
    ("StringEqualsIfExists", "aws:SourceVpce", ("vpce-1", "vpce-2")),
    ("StringNotEqualsIfExists", "aws:SourceVpce", ("vpce-1",)),
    ("StringNotLike", "aws:SourceVpce", ("vpce-*",)),
    ("IpAddress", "aws:SourceIp", ("10.0.0.0/8", "192.0.2.0/24")),
    ("NotIpAddress", "aws:SourceIp", ("10.0.0.0/8", ["10.0.0.0/8", "192.0.2.1"])),
    ("StringLike", "aws:PrincipalOrgID", ("o-*", "o-abc")),
    ("StringEqualsIgnoreCase", "aws:PrincipalOrgID", ("O-ABC", "o-other")),
    ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", ("o-abc/r-1/", "o-other/")),
    ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", ("o-abc/*", ["o-other/*"])),
    ("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths", ("o-abc/*",)),
    ("NumericLessThan", "aws:MultiFactorAuthAge", ("300", "10")),
    ("NumericGreaterThanEqualsIfExists", "aws:MultiFactorAuthAge", ("60", "61")),
)


@dataclass(frozen=True)
class Case:
    """One question, in our words."""

    request: Request
    policies: Policies


def cases(seed: int, number: int) -> Iterator[Case]:
    """The same for the same seed."""
    chance = Random(seed)
    for _ in range(number):
        action, resource = chance.choice(ACTS)
        account = chance.choice((OURS, OURS, THEIRS))
        role = chance.random() < 0.5
        name = f"arn:aws:iam::{account}:" + ("role/mercor-bot" if role else "user/mercor/ann")
        session = f"arn:aws:sts::{account}:assumed-role/mercor-bot/night" if role else ""
        context = {
            "aws:principalaccount": (account,),
            "aws:principalarn": (name,),
            "aws:principalisawsservice": ("false",),
            "aws:currenttime": (NOW,),
            "aws:securetransport": ("true",),
            **({"aws:tokenissuetime": (NOW,)} if role else {}),
            **({"aws:sourcevpce": ("vpce-1",)} if chance.random() < 0.4 else {}),
            **({"aws:sourceip": ("192.0.2.1",)} if chance.random() < 0.6 else {}),
            **({"aws:principalorgid": ("o-abc",)} if chance.random() < 0.6 else {}),
            **(
                {"aws:principalorgpaths": ("o-abc/r-1/", "o-abc/r-1/ou-2/")}
                if chance.random() < 0.5
                else {}
            ),
            **({"aws:multifactorauthage": ("60",)} if chance.random() < 0.5 else {}),
        }
        request = Request(name, account, action, resource, OURS, context, True, session)
        yield Case(request, _policies(chance, request))


def _policies(chance: Random, request: Request) -> Policies:
    own = [_document(chance, request) for _ in range(chance.randint(0, 2))]
    if chance.random() < 0.5:
        own.append(EVERYTHING)
    trust = request.action == "sts:AssumeRole"
    return Policies(
        tuple(own),
        _document(chance, request) if chance.random() < 0.2 else None,
        None,
        _document(chance, request, whose=True) if trust or chance.random() < 0.8 else None,
        ((EVERYTHING, _document(chance, request)),) if chance.random() < 0.3 else (),
        (_document(chance, request, effect="Deny", control=True),) if chance.random() < 0.2 else (),
    )


EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def _document(
    chance: Random,
    request: Request,
    *,
    whose: bool = False,
    effect: str = "",
    control: bool = False,
) -> Any:
    said = []
    for number in range(chance.randint(1, 3)):
        one: dict[str, Any] = {
            "Sid": f"S{number}",
            "Effect": effect or chance.choice(("Allow", "Allow", "Deny")),
        }
        if whose or control:
            one["Principal"] = "*" if control else _whom(chance, request)
        one |= _what(chance, request, trust=whose and request.action == "sts:AssumeRole")
        if control and "NotAction" in one:  # an RCP takes none
            one["Action"] = one.pop("NotAction")
        tests = chance.sample(CONDITIONS, chance.choice((0, 0, 1, 1, 2)))
        if tests:
            one["Condition"] = {}
            for operator, key, values in tests:
                one["Condition"].setdefault(operator, {})[key] = chance.choice(values)
        said.append(one)
    return {"Version": "2012-10-17", "Statement": said[0] if len(said) == 1 else said}


def _whom(chance: Random, request: Request) -> Any:
    root = f"arn:aws:iam::{request.account}:root"
    other = f"arn:aws:iam::{THEIRS if request.account == OURS else OURS}:root"
    return chance.choice(
        (
            "*",
            {"AWS": "*"},
            {"AWS": root},
            {"AWS": request.account},
            {"AWS": [other, request.principal]},
            {"AWS": request.session or request.principal},
            {"AWS": other},
            {"Service": "lambda.amazonaws.com"},
            {"AWS": root, "Service": ["s3.amazonaws.com"]},
        )
    )


def _what(chance: Random, request: Request, *, trust: bool) -> dict[str, Any]:
    service, _, verb = request.action.partition(":")
    actions = (
        request.action,
        f"{service}:*",
        f"{service}:{verb[:3]}*",
        [request.action.upper(), "ec2:RunInstances"],
        f"{service}:{verb[:-1]}?",
        "ec2:*",
    )
    if trust:
        return {"Action": chance.choice((request.action, "sts:*", "sts:AssumeRoleWithSAML"))}
    key = "NotAction" if chance.random() < 0.1 else "Action"
    said: dict[str, Any] = {key: chance.choice(actions)}
    head = request.resource[: request.resource.rindex("/" if "/" in request.resource else ":") + 1]
    places = (request.resource, "*", f"{head}*", [f"{head}none", request.resource], f"{head}else")
    said["NotResource" if chance.random() < 0.1 else "Resource"] = chance.choice(places)
    return said


def simulation(case: Case) -> dict[str, Any]:
    """The same question in the oracle's words."""
    request, policies = case.request, case.policies

    def named(documents: Sequence[Any]) -> list[Any]:
        return [{"name": str(n), "policy": d} for n, d in enumerate(documents)]

    asked: dict[str, Any] = {
        "request": {
            "principal": request.session or request.principal,
            "action": request.action,
            "resource": {"resource": request.resource, "accountId": request.owner},
            "contextVariables": {
                key: list(v) if key == "aws:principalorgpaths" else v[0]
                for key, v in request.context.items()
            },
        },
        "identityPolicies": named(policies.identity or ()),
        "serviceControlPolicies": [
            {"orgIdentifier": str(n), "policies": named(level)}
            for n, level in enumerate(policies.scps)
        ],
        "resourceControlPolicies": [
            {"orgIdentifier": "r", "policies": named(policies.rcps)} for _ in policies.rcps[:1]
        ],
    }
    if policies.resource is not None:
        asked["resourcePolicy"] = policies.resource
    if policies.boundary is not None:
        asked["permissionBoundaryPolicies"] = named([policies.boundary])
    return asked


def missing() -> str:
    """Why the oracle cannot be asked here; nothing where it can."""
    if shutil.which("node") is None:
        return "node is not installed: install npm, then run `make oracle`"
    if not (FOLDER / "node_modules" / "@cloud-copilot" / "iam-simulate").is_dir():
        return "iam-simulate is not installed: run `make oracle`"
    return ""


def asked(questions: Sequence[Case]) -> list[dict[str, Any]]:
    """What the oracle says, question by question."""
    done = subprocess.run(
        ["node", "ask.mjs"],
        cwd=FOLDER,
        input="".join(json.dumps(simulation(q)) + "\n" for q in questions),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def disagreements(questions: Sequence[Case]) -> tuple[list[str], dict[str, int]]:
    """Where the two differ, each told whole; and how many answers of each kind there were."""
    told, counted = list[str](), dict[str, int]()
    for case, theirs in zip(questions, asked(questions), strict=True):
        mine = evaluate(case.request, case.policies)
        if "result" not in theirs:
            kind = "not taken"
            told.append(f"{json.dumps(simulation(case))}\n  not taken: {theirs}")
        else:
            kind = f"{mine}"
            allowed = theirs["result"] == "Allowed"
            if mine is not Answer.UNKNOWN and (mine is Answer.ALLOWED) != allowed:
                told.append(f"{json.dumps(simulation(case))}\n  ours {mine}, theirs {theirs}")
        counted[kind] = counted.get(kind, 0) + 1
    return told, counted


def main() -> int:
    """Ask as many as are wanted."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--cases", type=int, default=5000)
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    if why := missing():
        print(f"nothing was asked: {why}")  # noqa: T201 - a command's answer
        return 1
    told, counted = disagreements(list(cases(given.seed, given.cases)))
    print(f"seed {given.seed}: {counted}, {len(told)} differ", *told[:5], sep="\n")  # noqa: T201
    return bool(told)


if __name__ == "__main__":
    raise SystemExit(main())
