"""`stopline evidence export|certificate|verify`: from the journal; and verification offline."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stopline.configuration import installed_people, installed_techniques
from stopline.entrypoints.cli import options as o
from stopline.entrypoints.cli.asking import pauses_named
from stopline.entrypoints.cli.auditing import history
from stopline.entrypoints.cli.noticing import told_of
from stopline.entrypoints.cli.program import Program
from stopline.entrypoints.cli.reading import standing
from stopline.errors import SetupError, UserError
from stopline.evidence import bundle as b
from stopline.evidence.certificate import certificate
from stopline.evidence.envelope import fingerprint, private_key, public_key, sealed
from stopline.evidence.report import report
from stopline.evidence.verifying import Trusted, verified
from stopline.journal.pauses import Pause
from stopline.preflight import Check
from stopline.render.audits import audit_page, audits_page
from stopline.render.certificate import certificate_page
from stopline.render.documents import certificate_document, exported_document, verified_document
from stopline.render.notices import notices_page
from stopline.render.page import Line, Page, Section, Tone
from stopline.render.place import diagnosis_page
from stopline.render.standing import PARTIAL, UNVERIFIED, standing_page

app = typer.Typer(no_args_is_help=True, help="Evidence for an auditor, made from the journal.")
EVERYTHING = 100_000


@app.command()
def export(
    context: typer.Context,
    case: o.Case,
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Where to write it.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Sign with this Ed25519 private key."),
    ] = None,
    unredacted: Annotated[
        bool,
        typer.Option("--unredacted", help="Leave personal data in, for a court; secrets never."),
    ] = False,
    output: o.OutputOption = None,
) -> None:
    """Write everything that the journal has of one pause into one file that proves itself.

    Open or closed. Without a key the bundle is not signed, and says so. Secrets are hidden, and
    personal data of whoever is only a subject; who decided stays.
    """
    program = o.program_of(context, output)
    pause = _one(program, case)
    signing = key or program.settings.evidence_key
    private = private_key(signing) if signing else None
    terms = b.Terms(
        program.book.store.now(),
        secrets.token_bytes(32),
        installed_techniques(),
        installed_people(),
        unredacted,
    )
    made, veil = b.gather(program.book, pause.id, terms)
    text = report(program.book, pause.id, _pages(program, pause), veil.text)
    made = b.finished(b.Bundle(made.manifest, {**made.members, b.REPORT: text.encode()}), veil)
    path = to or Path(f"stopline-evidence-{pause.id}.zip")
    _write(path, b.packed(made, sealed(made.manifest_bytes, private) if private else ""))
    document = exported_document(made.manifest, str(path), signed=bool(private))
    program.emit((_exported(made, path, private),), document)


def _pages(program: Program, pause: Pause) -> Page:
    """What the other commands show of a pause, whole: where it stands, its audits, its notices."""
    page = standing_page(standing(program.book, pause), EVERYTHING)
    if program.book.pauses.events(pause.id, "terminating"):
        page += certificate_page(certificate(program.book, pause.id), EVERYTHING)
    listed = [*history(program, pause.id)]
    page += audits_page(listed, pause.id, pause.vendor, "As far as the journal goes.")
    for audit in listed:
        page += () if audit.clean else audit_page(audit, pause.id, pause.vendor)
    return page + notices_page(told_of(program, pause), pause.id, pause.vendor)


def _one(program: Program, case: str) -> Pause:
    """The pause that is meant: the open one, or the only one that there ever was."""
    found = pauses_named(program, case, closed=False) or pauses_named(program, case)
    if len(found) != 1:
        names = ", ".join(pause.id for pause in found) or "none"
        raise UserError(
            f"{case!r} names {len(found)} pauses: {names}. Nothing was written.",
            "Name one by its id; `stopline status --all` lists them.",
        )
    return found[0]


def _exported(made: b.Bundle, path: Path, key: Ed25519PrivateKey | None) -> Section:
    manifest = made.manifest
    said = "not signed: name a key with --key or STOPLINE_EVIDENCE_KEY"
    if key:
        said = f"by the key {fingerprint(key.public_key())}"
    documents = sum(name.startswith(b.BODIES) for name in made.members)
    events = f"{manifest['chain']['of_this_pause']} of this pause"
    what = ", ".join(f"{number} {kind}" for kind, number in manifest["hidden_data"].items())
    lines = (
        Line(f"file       {path}"),
        Line(f"events     {events}, in {len(manifest['hidden_events'])} something is hidden"),
        Line(f"documents  {documents}, in {len(manifest['hidden'])} something is hidden"),
        Line(f"hidden     {what or 'nothing'}; personal data is {manifest['personal_data']}"),
        Line(f"signature  {said}", tone=Tone.PLAIN if key else Tone.WARN),
    )
    return Section(f"Evidence of the pause {manifest['pause']} of {manifest['vendor']}", lines)


def _write(path: Path, data: bytes) -> None:
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(data)
    except FileExistsError as error:
        raise UserError(
            f"{path} is there already, and evidence is not written over. Nothing was written.",
            "Name another place with --to.",
        ) from error
    except OSError as error:
        raise SetupError(
            f"{path} cannot be written: {error.strerror}. There is no bundle.",
            "Name another place with --to.",
        ) from error


@app.command("certificate")
def certify(context: typer.Context, case: o.Case, *, output: o.OutputOption = None) -> None:
    """Show what a termination removed for good, what remains and why, and by whose word.

    From the journal alone, open or closed; what it says can be verified in an exported bundle.
    Exits with 6 when something could not be removed.
    """
    program = o.program_of(context, output)
    made = certificate(program.book, _one(program, case).id)
    program.emit(certificate_page(made, program.most), certificate_document(made))
    raise typer.Exit(0 if made.complete else PARTIAL)


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle.")],
    *,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The public key that must have signed it."),
    ] = None,
    signers: Annotated[
        Path | None,
        typer.Option("--signers", metavar="FILE", help="OpenSSH's allowed signers file."),
    ] = None,
    output: o.OutputOption = None,
) -> None:
    """Verify a bundle offline: signature, members, chain, documents, and whose word it was.

    Needs no journal and no server. Without --key and --signers nobody knows who signed, and it says
    so. Exits with 8 when anything does not hold.
    """
    program = o.program_of(context, output)
    if signers is not None and not signers.is_file():
        raise UserError(f"There is no allowed signers file at {signers}. Nothing was verified.")
    trusted = Trusted(public_key(key) if key else None, signers)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UserError(
            f"{file} cannot be read: {error.strerror}. Nothing was verified."
        ) from error
    verdicts = verified(data, trusted)
    checks = [
        Check(v.name, ok=v.ok, found=v.found, next_step=v.next_step, warn=bool(v.next_step))
        for v in verdicts
    ]
    program.emit(_found(checks), verified_document(checks))
    raise typer.Exit(0 if all(v.ok for v in verdicts) else UNVERIFIED)


def _found(checks: Sequence[Check]) -> Page:
    """The page of what was verified; where nobody looked who signed, its title is no proof."""
    page, unproven = diagnosis_page(checks), sum(check.warn for check in checks)
    if not unproven or not all(check.ok for check in checks):
        return page
    title = f"Nothing speaks against it; {unproven} of {len(checks)} NOT PROVEN"
    return tuple(replace(section, title=title) for section in page)
