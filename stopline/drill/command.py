"""`stopline drill` as a user says it: one drill, its report on stdout, and nothing left behind."""

import shutil
import sys
import tempfile
from pathlib import Path

from stopline.drill import configure
from stopline.drill.run import JOURNALS, Drill
from stopline.errors import UserError
from stopline.settings import Settings
from stopline.text import canonical


def drill(settings: Settings, *, keep: bool, size: int, output: str, journal: str) -> int:
    """Run one drill; 0 when it passes. With `keep` everything is left up, and its addresses said.

    Raises UserError for a journal that is not supported, SetupError when something cannot start.
    """
    if journal not in JOURNALS:
        known = " or ".join(f"--journal {name}" for name in JOURNALS)
        raise UserError(f"The drill has no journal {journal!r}.", f"Use {known}.")
    folder = Path(tempfile.mkdtemp(prefix="stopline-drill-"))
    night = Drill(folder, configure.playbook(settings), size, journal)
    passed = False
    try:
        night.start()
        found = night.run()
        passed = found.verdict == "pass"
        sys.stdout.write(f"{canonical(found.document())}\n" if output == "json" else found.page())
        sys.stdout.flush()
    finally:
        _leave(night, keep=keep, passed=passed)
    return 0 if passed else 1


def _leave(night: Drill, *, keep: bool, passed: bool) -> None:
    """Stop everything, or say how to reach it. The folder stays when there is something to read."""
    if keep and hasattr(night, "worker"):
        night.ears.stop()
        _print_addresses(night)
        return
    night.stop()
    if not passed:
        configure.say(f"The logs and the journal are in {' and '.join(map(str, night.folders))}.")
        return
    for folder in night.folders:
        shutil.rmtree(folder, ignore_errors=True)


def _print_addresses(night: Drill) -> None:
    pids = " ".join(str(child.pid) for child in night.children)
    folders = " ".join(map(str, night.folders))
    ours = {k: v for k, v in night.env.items() if k.startswith(("STOPLINE_", "TEMPORAL_"))}
    lines = "\n".join(f"  export {name}={value}" for name, value in sorted(ours.items()))
    configure.say(
        f"\nLeft up, as asked:\n  Temporal UI   http://127.0.0.1:{night.server.ui_port}\n"
        f"  Temporal      {night.server.address}\n  AWS           {night.emulator.url}\n"
        f"  Google Cloud  {night.google.url}\n"
        f"  folder        {night.folder}\n\nTo look around with stopline:\n{lines}\n\n"
        f"To stop it all:  kill {pids}; rm -r {folders}"
    )
