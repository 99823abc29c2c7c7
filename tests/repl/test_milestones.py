"""`python -m examples.milestones`: every milestone's claim holds, through SQL and a killed process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_every_milestone_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.milestones", "--small"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "BROKEN" not in done.stdout
    assert done.stdout.count("holds:") >= 15
    assert done.stdout.endswith("All milestones hold.\n")
