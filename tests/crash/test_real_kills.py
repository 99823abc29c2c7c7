"""Who comes second to a database gets an error that says who came first. The kills are in `real_kills.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import lungfish

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_second_process_gets_an_error_that_names_the_holder(tmp_path: Path) -> None:
    path = str(tmp_path / "held.db")
    code = f"import lungfish\ntry:\n    lungfish.connect({path!r})\nexcept lungfish.Error as e:\n    print(e.sqlstate, e)"
    with lungfish.connect(path):
        found = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert found.stdout.startswith("55006 ")
    assert str(os.getpid()) in found.stdout
