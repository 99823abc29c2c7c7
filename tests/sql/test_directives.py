"""Directives of scripts: what each says, and what is said of those that are wrong."""

from __future__ import annotations

import pytest

from lungfish import errors
from lungfish.sql import parse_directive, split_script
from lungfish.sql.ast import directives as ast
from lungfish.sql.directives import USAGE
from lungfish.sql.variables import substitute


def parsed(text: str) -> ast.Directive:
    script = f"SELECT 1;\n  --@ {text}\nSELECT 2;"
    (piece,) = [each for each in split_script(script) if each.kind == "directive"]
    return parse_directive(piece, script)


@pytest.mark.parametrize(
    ("text", "directive"),
    [
        ("session rows", ast.UseSession("rows")),
        ("async", ast.RunAsync()),
        ("wait a", ast.Wait("a")),
        ("restart", ast.Restart(is_crash=False)),
        ("restart  crash", ast.Restart(is_crash=True)),
        ("crash at pages.write", ast.CrashAt("pages.write", 1, ast.CrashOptions())),
        (
            "crash at wal.flush.before_sync hit=3 torn=512 drop_unsynced",
            ast.CrashAt("wal.flush.before_sync", 3, ast.CrashOptions(True, 512)),
        ),
        ("crash each wal.*, pages.*", ast.CrashEach(("wal.*", "pages.*"), ast.CrashOptions())),
        (
            "crash each checkpoint.* with drop_unsynced",
            ast.CrashEach(("checkpoint.*",), ast.CrashOptions(drops_unsynced=True)),
        ),
        ("fault enospc at pages.write hit=2", ast.Fault("enospc", "pages.write", 2, None)),
        ("fault short_write at pages.write bytes=7", ast.Fault("short_write", "pages.write", 1, 7)),
        ("expect rows", ast.ExpectRows("ordered")),
        ("expect rows sorted", ast.ExpectRows("sorted")),
        ("expect error 40001 or 40P01", ast.ExpectError(("40001", "40P01"))),
        ("expect blocked by a", ast.ExpectBlocked("a")),
        ("expect plan 'it''s'", ast.ExpectPlan("it's")),
        ("expect counter wal_bytes <= 8kB", ast.ExpectCounter("wal_bytes", "<=", 8192)),
        ("expect within 500 ms", ast.ExpectWithin(0.5)),
        ('expect invariant "SELECT true"', ast.Invariant("SELECT true")),
        ("expect count 3", ast.ExpectCount(3)),
        ("expect tag INSERT 0 1", ast.ExpectTag("INSERT 0 1")),
        ("golden plan.txt", ast.Golden("plan.txt")),
        ("permute all", ast.Permute(None, 0)),
        ("permute 20 seed=7", ast.Permute(20, 7)),
        ("loop i 1..3", ast.Loop("i", 1, 3)),
        ("foreach t in int4, double precision", ast.Foreach("t", ("int4", "double precision"))),
        ("end", ast.End()),
        ("set name a value", ast.SetVariable("name", "a value")),
        ("require crash", ast.Require("crash")),
    ],
)
def test_a_directive_says(text: str, directive: ast.Directive) -> None:
    assert parsed(text) == directive


@pytest.mark.parametrize(
    ("text", "message", "column", "hint"),
    [
        ("expct rows", 'there is no directive "expct"', 7, "Perhaps you meant expect."),
        ("", "a directive is missing behind --@", 6, f"The directives are {', '.join(USAGE)}."),
        (
            "wait",
            'in the directive "wait", something is missing at the end',
            11,
            "It is: wait NAME.",
        ),
        (
            "restart now",
            'in the directive "restart", "now" does not belong there',
            15,
            "It is: restart [clean | crash].",
        ),
        ("expect rows sorte", 'there is no order of rows "sorte"', 19, "Perhaps you meant sorted."),
        ("crash at a.b hti=2", 'there is no option "hti"', 20, "Perhaps you meant hit."),
        ("crash at a.b hit=x", 'the option "hit" takes a number', 20, None),
        ("crash at a.b drop_unsynced=1", 'the option "drop_unsynced" takes no value', 20, None),
        (
            "fault enospce at a.b",
            'there is no kind of fault "enospce"',
            13,
            "Perhaps you meant enospc.",
        ),
    ],
)
def test_a_wrong_directive_is_told_with_its_place_and_the_nearest(
    text: str, message: str, column: int, hint: str | None
) -> None:
    with pytest.raises(errors.Error) as found:
        parsed(text)
    assert found.value.message == message
    assert found.value.line_and_column == (2, column)
    assert found.value.hint == hint


def test_variables_stand_for_their_values_outside_strings() -> None:
    values = {"t": "my table", "n": "it's", "int": "wrong"}
    sql = "SELECT ':t', :t, :'n', :\"t\", $t, x::int, $1, :other, $$ :t $$ -- :t"
    assert substitute(sql, values) == (
        "SELECT ':t', my table, 'it''s', \"my table\", my table, x::int, $1, :other, $$ :t $$ -- :t"
    )
