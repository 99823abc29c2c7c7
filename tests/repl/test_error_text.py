"""Errors look as psql prints them."""

from __future__ import annotations

from lungfish import errors
from lungfish.repl.error_text import format_error


def test_message_line_caret_detail_and_hint() -> None:
    error = errors.UndefinedColumn(
        'column "b" does not exist', position=17, detail="Some detail.", hint="Try a."
    ).with_statement("select 1,\n       b\nfrom t")
    assert format_error(error, place="x.sql:3") == (
        'x.sql:3: ERROR:  column "b" does not exist\n'
        "LINE 2:        b\n"
        "               ^\n"
        "DETAIL:  Some detail.\n"
        "HINT:  Try a."
    )


def test_verbose_adds_sqlstate_and_names() -> None:
    error = errors.UniqueViolation("duplicate", schema="public", table="t", constraint="t_pkey")
    assert format_error(error, is_verbose=True) == (
        "ERROR:  23505: duplicate\nSCHEMA NAME:  public\nTABLE NAME:  t\nCONSTRAINT NAME:  t_pkey"
    )


def test_a_long_line_is_cut_around_the_place() -> None:
    sql = "select " + ", ".join(f"column_{number}" for number in range(100))
    position = sql.index("column_50")
    error = errors.UndefinedColumn("no", position=position).with_statement(sql)
    _, line, caret = format_error(error).split("\n")
    assert len(line) < 140
    assert line[caret.index("^") :].startswith("column_50")


def test_tabs_do_not_move_the_caret() -> None:
    error = errors.SyntaxError("no", position=2).with_statement("\t\tx")
    assert format_error(error) == "ERROR:  no\nLINE 1:   x\n          ^"
