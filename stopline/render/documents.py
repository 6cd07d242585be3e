"""The JSON documents that `--output json` writes on stdout; docs/json.md describes each. Pure.

Every document has `apiVersion` and `kind`. Within one version fields are added, never renamed,
never removed.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from stopline import money
from stopline.model import Change, Counted, Direction, Finding, Plan, State
from stopline.preflight import Check, told
from stopline.render.audits import AuditShown
from stopline.render.certificate import Certificate
from stopline.render.manual import TaskShown
from stopline.render.notices import NoticeShown, TriedShown
from stopline.render.payouts import TOTALS, Control, Owed, Payouts, Total
from stopline.render.plan import action, blast, in_words
from stopline.render.standing import Left, Standing
from stopline.text import Json, jsonable
from stopline.vendors import Vendor

API_VERSION = "stopline/v1"


class Kind(StrEnum):
    """What a document is about. `DrillReport` is written by `stopline drill`."""

    VENDOR = "Vendor"
    VENDOR_LIST = "VendorList"
    CONFIGURATION_CHECK = "ConfigurationCheck"
    PLAN = "Plan"
    ASSESSMENT = "Assessment"
    PAUSE = "Pause"
    PAUSE_LIST = "PauseList"
    DIAGNOSIS = "Diagnosis"
    AUDIT = "Audit"
    AUDIT_LIST = "AuditList"
    NOTICE_LIST = "NoticeList"
    NOTICE_TEST = "NoticeTest"
    PAYOUTS_REPORT = "PayoutsReport"
    MANUAL_TASKS = "ManualTasks"
    DRILL_REPORT = "DrillReport"
    EVIDENCE_EXPORT = "EvidenceExport"
    EVIDENCE_CHECK = "EvidenceCheck"
    CERTIFICATE = "Certificate"


def document(kind: Kind, fields: dict[str, Json]) -> Json:
    """Return the envelope with its fields."""
    return {"apiVersion": API_VERSION, "kind": str(kind), **fields}


def plan_document(
    plan: Plan,
    findings: Sequence[Finding] = (),
    counted: Iterable[Counted] = (),
    *,
    ref: str = "",
    blind: Iterable[str] = (),
) -> Json:
    """A plan, whole; `blind` is what nothing here looks at."""
    principals, targets = blast(plan)
    fields = {
        "vendor": plan.vendor,
        "direction": str(plan.direction),
        "pause": plan.pause,
        "scope": jsonable(plan.scope),
        "digest": plan.digest,
        "ref": ref,
        "blast_radius": {
            "changes": len(plan.changes),
            "principals": principals,
            "targets": targets,
            "looked_at": [jsonable(c) for c in counted],
        },
        "findings": [_finding(f) for f in findings],
        "changes": [_change(c, plan.direction) for c in plan.changes],
        "claims": [_change(c, plan.direction) for c in plan.claims],
        "skips": [
            {
                "address": str(s.address),
                "principal": s.principal,
                "reason": s.reason,
                "leaves_access": s.leaves_access,
            }
            for s in plan.skips
        ],
        "gaps": [jsonable(gap) for gap in plan.gaps],
        "not_looked_at": list(blind),
        "residuals": [
            {"address": str(r.address), "what": r.what, "until": r.until} for r in plan.residuals
        ],
    }
    return document(Kind.PLAN, fields)


def _finding(finding: Finding) -> Json:
    return {
        "severity": str(finding.severity),
        "guard": finding.guard,
        "what": finding.what,
        "way_out": finding.way_out,
        "addresses": [str(a) for a in finding.addresses],
    }


def _change(change: Change, direction: Direction) -> Json:
    return {
        "action": action(change),
        "address": str(change.address),
        "principal": change.principal,
        "summary": in_words(change, direction),
        "rule": change.rule,
        "phase": change.phase,
        "breadth": change.breadth.name.lower(),
        "before": _value(change.before),
        "after": _value(change.after),
        "vouched": change.vouched,
    }


def _value(state: State | None) -> Json:
    return state.value if state else None


def pause_document(standing: Standing) -> Json:
    """One pause, whole."""
    fields = _summary(standing) | {
        "workflow": standing.workflow,
        "phase": standing.phase,
        "why": standing.why,
        "acknowledged": standing.acknowledged,
        "review_by": standing.review_by,
        "overdue": standing.overdue,
        "pay_by": standing.pay_by,
        "pay_soon": standing.pay_soon,
        "break_glass": [jsonable(one) for one in standing.break_glass],
        "sheet": standing.sheet,
        "uncovered": [*standing.uncovered],
        "holds": [jsonable(h) for h in standing.held],
        "left": [_left(left) for left in standing.left],
        "said": [jsonable(said) for said in standing.said],
    }
    return document(Kind.PAUSE, fields)


def pauses_document(standings: Iterable[Standing]) -> Json:
    """The list of pauses, oldest first."""
    return document(Kind.PAUSE_LIST, {"pauses": [_summary(s) for s in standings]})


def _summary(s: Standing) -> dict[str, Json]:
    return {
        "pause": s.id,
        "vendor": s.vendor,
        "scope": jsonable(s.scope),
        "status": s.status,
        "requester": s.requester,
        "reason": s.reason,
        "opened_at": s.opened_at,
        "closed_at": s.closed_at,
        "held": len(s.held),
        "failed": s.count("failed", "not asked"),
        "conflicts": s.count("conflict"),
        "unproven": s.count("unproven"),
        "unverified": s.count("unverified"),
        "left_open": s.count("left open"),
        "gaps": s.count("gap"),
        "waiting": jsonable(s.waiting) if s.waiting else None,
        "workflow_gone": s.workflow_gone,
    }


def _left(left: Left) -> Json:
    names = ("before", "ours", "now")
    return {
        "kind": left.kind,
        "where": left.where,
        "principal": left.principal,
        "cause": left.cause,
        "reason": left.reason,
        "command": left.command,
        "direction": left.direction,
        "columns": dict(zip(names, left.columns, strict=True)) if left.columns else None,
    }


def vendor_document(vendor: Vendor, standings: Iterable[Standing]) -> Json:
    """One vendor as its file says, with its open pauses."""
    fields = vendor.model_dump(mode="json") | {"pauses": [_summary(s) for s in standings]}
    return document(Kind.VENDOR, fields)


def vendors_document(vendors: Iterable[Vendor], paused: Iterable[str]) -> Json:
    """The vendors of the configuration, and whether a pause of each is open."""
    names = set(paused)
    listed = [
        {
            "vendor": v.vendor,
            "names": list(v.names),
            "owner": v.owner,
            "projects": sorted(v.projects),
            "paused": v.vendor in names,
        }
        for v in vendors
    ]
    return document(Kind.VENDOR_LIST, {"vendors": listed})


def check_document(faults: Sequence[str]) -> Json:
    """Every fault of the configuration, `file:line: fault` each."""
    return document(Kind.CONFIGURATION_CHECK, {"ok": not faults, "faults": list(faults)})


def exported_document(manifest: Json, file: str, *, signed: bool) -> Json:
    """What `stopline evidence export` wrote, and where."""
    return document(
        Kind.EVIDENCE_EXPORT,
        {
            "file": file,
            "pause": manifest["pause"],
            "vendor": manifest["vendor"],
            "signed": signed,
            "chain": manifest["chain"],
            "members": len(manifest["members"]),
            "hidden": len(manifest["hidden"]),
            "hidden_events": len(manifest["hidden_events"]),
            "hidden_data": manifest["hidden_data"],
            "personal_data": manifest["personal_data"],
        },
    )


def certificate_document(made: Certificate) -> Json:
    """What a termination removed, what remains, and by whose word."""
    return document(Kind.CERTIFICATE, jsonable(made) | {"complete": made.complete})


def verified_document(checks: Sequence[Check]) -> Json:
    """What `stopline evidence verify` found; `proven`: whose keys signed was looked at too."""
    fields = {
        "ok": all(c.ok for c in checks),
        "proven": all(c.ok and not c.warn for c in checks),
        "checks": list(map(told, checks)),
    }
    return document(Kind.EVIDENCE_CHECK, fields)


def audit_document(audit: AuditShown, pause: str, vendor: str) -> Json:
    """What one audit of a pause found."""
    fields = {"pause": pause, "vendor": vendor, **_audit(audit)}
    return document(Kind.AUDIT, fields)


def audits_document(audits: Iterable[AuditShown], pause: str, vendor: str) -> Json:
    """The audits of one pause, oldest first."""
    fields = {"pause": pause, "vendor": vendor, "audits": [_audit(a) for a in audits]}
    return document(Kind.AUDIT_LIST, fields)


def _audit(audit: AuditShown) -> dict[str, Json]:
    told: dict[str, Json] = jsonable(audit)
    return told | {"clean": audit.clean, "times": dict(audit.times)}


def notices_document(notices: Iterable[NoticeShown], pause: str, vendor: str) -> Json:
    """The notices of one pause, oldest first."""
    fields = {"pause": pause, "vendor": vendor, "notices": [jsonable(n) for n in notices]}
    return document(Kind.NOTICE_LIST, fields)


def tried_document(tried: Sequence[TriedShown]) -> Json:
    """What became of a test over every channel."""
    fields = {"ok": all(t.ok for t in tried), "tried": [jsonable(t) for t in tried]}
    return document(Kind.NOTICE_TEST, fields)


def manual_document(tasks: Sequence[TaskShown], pause: str, vendor: str) -> Json:
    """What people are to do by hand for a pause."""
    fields = {"pause": pause, "vendor": vendor, "tasks": [_task(one, pause) for one in tasks]}
    return document(Kind.MANUAL_TASKS, fields)


def _task(task: TaskShown, pause: str) -> Json:
    told = task.told
    return {
        "task": task.name,
        "step": str(task.step),
        "system": task.system,
        "what": task.what,
        "since": task.since,
        "late": task.late,
        "before": task.before,
        "attested_by": told.by if told else "",
        "attested_to": told.pause if told else "",
        "answered_to": told.answered_to(pause) if told else "",
        "attested_at": told.at if told else "",
        "file": told.deed.proof if told else "",
        "sha256": told.deed.sha256 if told else "",
        "amounts": [jsonable(one) for one in told.deed.amounts] if told else [],
    }


def diagnosis_document(checks: Sequence[Check]) -> Json:
    """What `stopline doctor` found."""
    fields = {"ok": all(c.ok for c in checks), "checks": list(map(told, checks))}
    return document(Kind.DIAGNOSIS, fields)


def payouts_document(report: Payouts) -> Json:
    """What a pause holds of what is owed, with control totals."""
    fields = {
        "pause": report.pause,
        "vendor": report.vendor,
        "requester": report.requester,
        "read_at": report.read_at,
        "unread": [{"ledger": name, "cause": why} for name, why in sorted(report.unread.items())],
        "balanced": report.balanced,
        "totals": [_total(total) for total in report.totals],
        "currencies": [_total(total, by_payee=False) for total in report.currencies],
        "control": [_control(one) for one in report.control],
        "payables": [_payable(one) for one in report.owed],
    }
    return document(Kind.PAYOUTS_REPORT, fields)


def _control(one: Control) -> Json:
    return {
        "currency": one.currency,
        "payee": one.payee,
        "state": str(one.state),
        "payables": one.payables,
        "now": one.minor,
    }


def _total(total: Total, *, by_payee: bool = True) -> Json:
    return {
        **({"payee": total.payee} if by_payee else {}),
        "currency": total.currency,
        "exponent": money.EXPONENTS.get(total.currency),
        "owed_before": total.owed,
        **{name: total.by_state[state] for name, state in TOTALS.items()},
        "held_at_all": total.held_at_all,
        "balanced": total.balanced,
    }


def _payable(one: Owed) -> Json:
    return {
        "ledger": one.ledger,
        "payable": one.payable,
        "payee": one.payee,
        "currency": one.currency,
        "amount": one.amount,
        "now": one.now,
        "state": str(one.state),
        "hold": one.hold,
        "placed_at": one.placed_at,
        "released_at": one.released_at,
        "pay_by": one.pay_by,
        "why": one.why,
    }
