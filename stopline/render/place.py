"""What surrounds a pause, as pages: the vendors, the configuration, the installation. Pure."""

from collections.abc import Iterable, Sequence

from stopline.preflight import Check
from stopline.render.page import Line, Page, Section, Table, Tone
from stopline.render.standing import Standing, pauses_page
from stopline.vendors import AwsSelectors, GcpSelectors, PayoutsSelectors, Project, Vendor


def diagnosis_page(checks: Sequence[Check]) -> Page:
    """Return one line for each check, ok, warn or failed, with what to do."""
    failed = sum(not check.ok for check in checks)
    warned = sum(check.ok and check.warn for check in checks)
    title = f"{failed} of {len(checks)} checks failed" if failed else "All checks are ok"
    if warned:
        title += f", {warned} want a person's eye"
    tone = Tone.BAD if failed else Tone.WARN if warned else Tone.GOOD
    return (Section(title, tuple(map(_check, checks)), tone),)


def _check(check: Check) -> Line:
    symbol, tone = ("warn", Tone.WARN) if check.warn else ("ok", Tone.GOOD)
    if not check.ok:
        symbol, tone = "failed", Tone.BAD
    step = (check.next_step,) if check.next_step and symbol != "ok" else ()
    return Line(f"{check.name}: {check.found}", symbol, tone, step)


def faults_page(faults: Sequence[str], files: str) -> Page:
    """Return every fault of the configuration."""
    if not faults:
        return (Section(f"The configuration in {files} is whole.", tone=Tone.GOOD),)
    number = f"{len(faults)} fault" + ("" if len(faults) == 1 else "s")
    lines = tuple(Line(fault, "!") for fault in faults)
    return (Section(f"{number} in {files}", lines, Tone.BAD),)


def vendors_page(vendors: Sequence[Vendor], paused: Iterable[str]) -> Page:
    """Return the table of vendors."""
    if not vendors:
        return (Section("No vendor is configured."),)
    names = set(paused)
    rows = tuple(
        (
            v.vendor,
            ", ".join(v.names),
            ", ".join(sorted(v.projects)),
            v.owner,
            "paused" if v.vendor in names else "",
        )
        for v in vendors
    )
    columns = ("vendor", "also called", "projects", "owner", "now")
    return (Section("Vendors", (Table(columns, rows),)),)


def vendor_page(vendor: Vendor, standings: Sequence[Standing]) -> Page:
    """Return one vendor: the note for the 3am reader first, then how it is recognised."""
    sections = []
    if vendor.note:
        lines = tuple(Line(text) for text in vendor.note.strip().splitlines())
        sections.append(Section("Read this first", lines, Tone.WARN))
    facts = [Line(f"owner        {vendor.owner or 'nobody is named'}")]
    if vendor.names:
        facts.append(Line(f"also called  {', '.join(vendor.names)}"))
    sections.append(Section(f"Vendor {vendor.vendor}", tuple(facts)))
    sections += _recognised("Recognised in", vendor)
    for name, project in sorted(vendor.projects.items()):
        note = f" ({project.note})" if project.note else ""
        sections += _recognised(f"Project {name}{note}, recognised in", project)
    if vendor.protected:
        lines = tuple(Line(pattern, "o") for pattern in vendor.protected)
        sections.append(Section("Protected: never touched by a pause of this vendor", lines))
    pauses = pauses_page(standings) if standings else (Section("No pause of it is open."),)
    return (*sections, *pauses)


def _recognised(title: str, one: Vendor | Project) -> list[Section]:
    """Each system's own heading, where there is a selector."""
    return [
        *_selectors(f"{title} AWS by", one.aws),
        *_selectors(f"{title} Google Cloud by", one.gcp),
        *_selectors(f"{title} ledgers by", one.payouts),
    ]


def _selectors(title: str, by: AwsSelectors | GcpSelectors | PayoutsSelectors) -> list[Section]:
    lines = [
        Line(f"{name.replace('_', ' ')}: {_value(value)}", "-")
        for name, value in by.model_dump(mode="json").items()
        if value
    ]
    return [Section(title, tuple(lines))] if lines else []


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={_value(text)}" for key, text in sorted(value.items()))
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
