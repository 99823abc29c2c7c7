"""`lungfish backup` and `lungfish restore`: what they write, what they say, and their exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.main import main

_WRITER = """
import sys, lungfish
connection = lungfish.connect(sys.argv[1], autocommit=True)
connection.execute("CREATE TABLE t (id integer PRIMARY KEY)")
for key in range(100_000):
    connection.execute("INSERT INTO t VALUES (?)", (key,))
    if key == 50:
        connection.backup(sys.argv[2])
    print(key, connection.execute("SELECT pg_current_wal_lsn()").fetchval(), flush=True)
"""


def run(*arguments: str | Path) -> int:
    return main([str(each) for each in arguments])


def make(database: Path) -> None:
    run(database, "-q", "-c", "create table t (a int); insert into t values (1), (2)")


def test_a_database_is_backed_up_verified_and_restored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, backup, copy = (tmp_path / name for name in ("app.db", "app.backup", "copy.db"))
    make(database)
    assert run("backup", database, backup, "--verify") == ExitCode.OK
    assert "ok (" in capsys.readouterr().out
    more = tmp_path / "more.backup"
    run(database, "-q", "-c", "insert into t values (3)")
    assert run("backup", database, more, "--incremental-from", backup, "-q") == ExitCode.OK
    assert run("backup", more, "--verify-only") == ExitCode.OK
    assert run("restore", more, copy, "--dry-run") == ExitCode.OK
    assert "would be restored" in capsys.readouterr().out
    assert not copy.exists()
    assert run("restore", more, copy) == ExitCode.OK
    capsys.readouterr()
    assert run(copy, "-q", "-t", "-c", "select sum(a) from t") == ExitCode.OK
    assert capsys.readouterr().out.split() == ["6"]


def test_an_existing_database_is_not_replaced_unless_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, backup = tmp_path / "app.db", tmp_path / "app.backup"
    make(database)
    run("backup", database, backup)
    run(database, "-q", "-c", "delete from t")
    assert run("restore", backup, database) == ExitCode.CANNOT_OPEN
    assert "is there already" in capsys.readouterr().err
    assert run("restore", backup, database, "--overwrite") == ExitCode.OK
    capsys.readouterr()
    run(database, "-q", "-t", "-c", "select count(*) from t")
    assert capsys.readouterr().out.split() == ["2"]


def test_a_damaged_backup_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database, backup = tmp_path / "app.db", tmp_path / "app.backup"
    make(database)
    run("backup", database, backup)
    content = bytearray(backup.read_bytes())
    content[5000] ^= 1
    backup.write_bytes(content)
    assert run("backup", backup, "--verify-only") == ExitCode.CORRUPTION
    assert "problems" in capsys.readouterr().out


def test_what_is_no_time_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as left:
        run("restore", tmp_path / "x", tmp_path / "y", "--time", "teatime")
    assert left.value.code == ExitCode.USAGE


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_process_s_backup_and_log_give_every_acknowledged_row_up_to_any_position(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, backup, copy = (tmp_path / name for name in ("app.db", "app.backup", "copy.db"))
    child = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(database), str(backup)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    acknowledged = []
    for line in child.stdout:
        key, lsn = line.split()
        acknowledged.append((int(key), lsn))
        if int(key) == 300:
            os.kill(child.pid, signal.SIGKILL)
            break
    child.stdout.close()
    child.wait()
    wal = f"{database}-wal"
    key, lsn = acknowledged[200]
    assert run("restore", backup, copy, "--wal", wal, "--lsn", lsn) == ExitCode.OK
    capsys.readouterr()
    run(copy, "-q", "-t", "-c", "select count(*), max(id) from t")
    assert capsys.readouterr().out.split() == [str(key + 1), "|", str(key)]
    assert run("restore", backup, copy, "--wal", wal, "--overwrite") == ExitCode.OK
    capsys.readouterr()
    run(copy, "-q", "-t", "-c", "select max(id) >= 300 from t")
    assert capsys.readouterr().out.split() == ["t"]
