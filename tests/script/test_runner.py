"""The interpreter of scripts: what passes, what fails, and how that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lungfish.script.suite import SuiteOptions, run_script_file
from tests.script.support import messages, run_text

TABLE = "CREATE TABLE t (a int PRIMARY KEY, b text);\nINSERT INTO t VALUES (1, 'x');\n"
MODES = {
    "plain": SuiteOptions(),
    "restart": SuiteOptions(force="restart"),
    "crash": SuiteOptions(force="crash"),
    "isolated": SuiteOptions(is_isolated=True),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_script_of_everything_passes(mode: str) -> None:
    report = run_script_file(Path(__file__).with_name("everything.sql"), MODES[mode])
    assert messages(report) == []
    assert report.restart_count > 15


def test_wrong_rows_are_told_with_a_difference_and_the_script_goes_on(tmp_path: Path) -> None:
    report = run_text(tmp_path, TABLE + "SELECT * FROM t;\n--| 1 | y\nSELECT 2;\n--| 3\n")
    assert messages(report) == [
        "3: the rows are not those expected (-), but these (+): 1 expected, 1 got",
        "5: the rows are not those expected (-), but these (+): 1 expected, 1 got",
    ]
    assert report.failures[0].lines == ("- 1 | y", "+ 1 | x")
    assert str(report.failures[0]).split("\n")[1:] == [
        "  the rows are not those expected (-), but these (+): 1 expected, 1 got",
        "    - 1 | y",
        "    + 1 | x",
    ]


def test_an_error_that_nobody_expected_ends_the_script(tmp_path: Path) -> None:
    report = run_text(tmp_path, TABLE + "SELECT c FROM t;\nSELECT 2;\n--| 3\n")
    assert messages(report) == ['3: the statement failed with 42703: column "c" does not exist']
    assert "LINE 1: SELECT c FROM t" in report.failures[0].lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "--@ expect error 23505\nINSERT INTO t VALUES (2);",
            "4: expected error 23505, but the statement succeeded: INSERT 0 1",
        ),
        (
            "--@ expect error 23505\nSELECT 1/0;",
            "4: expected error 23505, got 22012: division by zero",
        ),
        ("--@ expect count 2\nSELECT * FROM t;", "4: expected 2 rows, got 1"),
        (
            "--@ expect tag UPDATE 2\nUPDATE t SET b = 'y';",
            "4: expected the tag UPDATE 2, got UPDATE 1",
        ),
        ("--@ expect within 0 ms\nSELECT 1;", "4: expected within 0 ms, took "),
        (
            "--@ expect rows\nUPDATE t SET b = 'y';",
            "4: expected rows, but the statement gives none: UPDATE 1",
        ),
        ("--@ expect plan 'Hash Join'\nSELECT * FROM t;", "4: expected 'Hash Join' in the plan"),
        (
            "--@ expect counter transactions > 9\nSELECT 1;",
            "4: expected transactions to grow by > 9, it grew by 0",
        ),
        ("--@ expect counter wal_byte > 9\nSELECT 1;", "4: there is no counter wal_byte"),
        (
            "--@ crash at pages.write\nSELECT 1;",
            "4: the statement ended without a hit 1 of failpoint pages.write",
        ),
        (
            "--@ crash at page.write\nSELECT 1;",
            '0: the database failed: 42704: failpoint "page.write" does not exist\nHINT:  Perhaps you meant pages.write',
        ),
        ('--@ expect invariant "SELECT count(*) = 2 FROM t"', "3: the invariant does not hold"),
        (
            '--@ expect invariant "SELECT 1/0"',
            "3: the invariant failed with 22012: division by zero",
        ),
        ("--@ wait b", "3: session b runs nothing"),
        ("--@ async\nSELECT 1;", "4: session main is not waited for"),
        ("--@ async\nSELECT 1;\nSELECT 2;", "5: session main runs a statement; wait for it"),
        (
            "--@ expect blocked by b\nSELECT 1;\n--@ wait main",
            "4: expected to be blocked by b, but it does not wait",
        ),
        (
            "--@ crash each pages.write\nSELECT 1;\n--@ end",
            "3: nothing in the block reaches pages.write",
        ),
        (
            "BEGIN;\n--@ crash each pages.*\nCHECKPOINT;\n--@ end",
            "0: the database failed: 55000: the block at line 4 begins anew many times, but a session has a transaction",
        ),
        (
            "--@ session a\nBEGIN; UPDATE t SET b = 'a';\n--@ session b\nUPDATE t SET b = 'b';",
            "6: session b waits for session a, which does nothing",
        ),
    ],
)
def test_what_is_not_as_it_says_is_told(tmp_path: Path, text: str, message: str) -> None:
    found = messages(run_text(tmp_path, TABLE + text + "\n"))
    assert found, "nothing failed"
    assert found[0].startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--@ loop i 1..2\nSELECT 1;", "1: column 1: the block that begins here has no --@ end"),
        ("--@ end", "1: column 1: no block is open that could end here"),
        ("--@ expect rows", "1: column 1: no statement follows that this could speak of"),
        ("--| 1", "1: column 1: rows stand behind the statement that gives them"),
        ("\\d", "1: column 1: \\d is a command of the shell"),
        ("SELECT 1;\n --@ expect rwos", '2: column 13: in the directive "expect", "rwos" does not belong there'),
        ("--@ expect rows\n--@ expect error 22012\nSELECT 1;", "2: column 1: line 1 says already what comes of the next statement"),
    ],
)  # fmt: skip
def test_a_script_that_cannot_be_read_is_told_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    assert messages(run_text(tmp_path, text)) == [message]


def test_what_a_run_of_a_loop_fails_says_which(tmp_path: Path) -> None:
    report = run_text(tmp_path, "--@ loop i 1..2\nSELECT :i;\n--| 1\n--@ end\n")
    assert [failure.context for failure in report.failures] == ["i = 2"]


def test_variables_come_from_outside_too(tmp_path: Path) -> None:
    text = "--@ set b :a\nSELECT :b, $b, :'b';\n--| :a | 7 | 7\n"
    assert messages(run_text(tmp_path, text, SuiteOptions(variables={"a": "7"}))) == []


def test_what_is_required_and_not_there_leaves_the_script_out(tmp_path: Path) -> None:
    report = run_text(tmp_path, "--@ require postgres\nSELECT 1/0;")
    assert report.skipped == "it needs postgres"
    assert report.is_good


def test_a_lost_update_is_found_by_its_order(tmp_path: Path) -> None:
    text = (
        "CREATE TABLE c (n int); INSERT INTO c VALUES (0);\n"
        'CREATE TABLE r (s text, n int);\n--@ expect invariant "SELECT true"\n--@ permute all\n'
        "--@ session a\nINSERT INTO r SELECT 'a', n FROM c;\n"
        "UPDATE c SET n = (SELECT n + 1 FROM r WHERE s = 'a');\n"
        "--@ session b\nINSERT INTO r SELECT 'b', n FROM c;\n"
        "UPDATE c SET n = (SELECT n + 1 FROM r WHERE s = 'b');\n--@ end\n"
        "SELECT n FROM c;\n--| 2\n"
    )
    good = run_text(tmp_path, text)
    assert messages(good) == []
    bad = run_text(
        tmp_path, text.replace("SELECT true", "SELECT (SELECT n FROM c) = (SELECT count(*) FROM r)")
    )
    contexts = {failure.context for failure in bad.failures}
    assert "in the order a b a b" in contexts
    assert "in the order a a b b" not in contexts


def test_update_writes_what_was_got(tmp_path: Path) -> None:
    text = (
        TABLE
        + "--@ expect rows\nSELECT * FROM t; -- a remark\n\nSELECT 1;\n--| 2\n--| 3\nSELECT 4;\n--| 4\n"
        "--@ expect error 23505\nSELECT 1/0;\n--@ expect count 7\nSELECT 1;\n--@ golden out\nSELECT 5 AS five;\n"
    )
    options = SuiteOptions(updates=True)
    assert len(run_text(tmp_path, text, options).failures) == 5
    path = tmp_path / "s.sql"
    assert path.read_text() == (
        TABLE
        + "--@ expect rows\nSELECT * FROM t; -- a remark\n--| 1 | x\n\nSELECT 1;\n--| 1\nSELECT 4;\n--| 4\n"
        "--@ expect error 22012\nSELECT 1/0;\n--@ expect count 1\nSELECT 1;\n--@ golden out\nSELECT 5 AS five;\n"
    )
    assert (tmp_path / "s.golden" / "out").read_text() == "SELECT 1\nfive\n5\n"
    assert messages(run_script_file(path, SuiteOptions())) == []
