"""`lungfish info` of a database that another process is recovering just now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lungfish
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.info import info_main
from lungfish.storage import LocalDisk


def test_info_shows_how_far_another_process_has_recovered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "app.db")
    lungfish.connect(path).close()
    lock = LocalDisk().lock(path)
    try:
        assert lungfish.recovery_status(path) is None
        assert info_main([path]) == ExitCode.CANNOT_OPEN
        assert "is in use" in capsys.readouterr().err
        status = {"state": "redo", "percent": 42.5, "eta_ms": None}
        Path(path + "-recovery").write_text(json.dumps(status), encoding="utf-8")
        assert info_main([path]) == ExitCode.OK
        lines = dict(line.split(None, 1) for line in capsys.readouterr().out.splitlines())
        assert lines["state"] == "redo"
        assert lines["percent"] == "42.5"
        assert "is in use by process" in lines["recovering"]
        assert "eta_ms" not in lines
    finally:
        lock.release()
    # What a killed recovery has left goes with the next opening.
    lungfish.connect(path).close()
    assert lungfish.recovery_status(path) is None
