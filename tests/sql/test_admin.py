"""Lungfish's own statements."""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.sql import parse
from lungfish.sql.ast.queries import Query
from lungfish.sql.ast.utility import (
    Backup,
    CancelCheckpoint,
    Checkpoint,
    DropCheckpoint,
    ExplainRecovery,
    Scrub,
)
from tests.sql.trees import same, statement, statements


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("checkpoint", Checkpoint()),
        (
            "CHECKPOINT (MODE FAST, DRY_RUN, WAIT off, FENCE_TIMEOUT 50, NAME 'x''y', KEEP '1 day');",
            Checkpoint(
                (
                    ("mode", "fast"),
                    ("dry_run", True),
                    ("wait", False),
                    ("fence_timeout", 50),
                    ("name", "x'y"),
                    ("keep", "1 day"),
                )
            ),
        ),
        ("force checkpoint", Checkpoint()),
        ("checkpoint app", Checkpoint((("database", "app"),))),
        ("drop checkpoint Before_Load", DropCheckpoint("before_load")),
        ("drop checkpoint 'a b'", DropCheckpoint("a b")),
        ("drop checkpoint all before '2026-01-01'", DropCheckpoint(None, before="2026-01-01")),
        ("cancel checkpoint", CancelCheckpoint()),
        ("explain recovery", ExplainRecovery()),
        ("explain (format json) recovery", ExplainRecovery("json")),
        ("scrub", Scrub(None)),
        ("scrub WAL", Scrub("wal")),
        ('scrub s."T"', Scrub("s.T")),
        ("backup to 'x.db'", Backup("x.db")),
        (
            "backup to 'x.db' incremental from 'y.db' (verify)",
            Backup("x.db", "y.db", (("verify", True),)),
        ),
    ],
)
def test_each_statement_has_its_node(sql: str, expected: object) -> None:
    assert same(statement(sql), expected)


@pytest.mark.parametrize(
    ("sql", "sqlstate", "marked"),
    [
        ("checkpoint (speed 1)", "42601", "speed"),
        ("checkpoint (mode slow)", "22023", "mode"),
        ("checkpoint (wait maybe)", "42601", "wait"),
        ("checkpoint (timeout -1)", "22023", "timeout"),
        ("checkpoint (timeout soon)", "42601", "timeout"),
        ("checkpoint (name)", "42601", "name"),
        ("checkpoint (wait, wait)", "42601", "wait)"),
        ("checkpoint (", "42601", ""),
        ("checkpoint (mode fast", "42601", ""),
        ("drop checkpoint a b", "42601", "b"),
        ("backup to x", "42601", "x"),
        ("scrub %", "42601", "%"),
    ],
)
def test_errors_name_their_place(sql: str, sqlstate: str, marked: str) -> None:
    with pytest.raises(errors.Error) as caught:
        parse(sql)
    assert caught.value.sqlstate == sqlstate
    assert sql[caught.value.position :].startswith(marked)


def test_they_mix_with_postgresqls_statements() -> None:
    sql = "select 'ä'; checkpoint (verify); explain recovery; select b; drop checkpoint c"
    pieces = parse(sql)
    assert [type(piece.statement) for piece in pieces] == [
        Query,
        Checkpoint,
        ExplainRecovery,
        Query,
        DropCheckpoint,
    ]
    assert [sql[piece.start :].startswith(piece.text) for piece in pieces] == [True] * 5
    dropped = pieces[4].statement
    assert sql[dropped.position :] == "c"
    assert isinstance(pieces[3].statement, Query)
    assert sql[pieces[3].statement.position] == "b"


def test_errors_behind_other_statements_keep_their_place() -> None:
    sql = "select 1;\ncheckpoint (mode slow)"
    with pytest.raises(errors.InvalidParameterValue) as caught:
        parse(sql)
    assert sql[caught.value.position :].startswith("mode")
    broken = "scrub; select 1 form t x"
    with pytest.raises(errors.SyntaxError) as also_caught:
        parse(broken)
    assert broken[also_caught.value.position :] == "t x"


def test_names_like_our_words_stay_names() -> None:
    assert [
        type(node) for node in statements("select checkpoint, scrub from backup, recovery")
    ] == [Query]
    assert isinstance(statement("explain select 1 as recovery"), object)
