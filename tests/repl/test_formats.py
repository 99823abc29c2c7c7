"""Results as text, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lungfish
from lungfish.repl.cursor_text import result_of
from lungfish.repl.formats import DisplaySettings, Expanded, ResultText, format_result

RESULT = ResultText(
    columns=("id", "name", "ok"),
    types=("integer", "text", "boolean"),
    rows=[("1", "é漢", "t"), ("-20", "a|b\nc", None)],
)
EMPTY = ResultText(("a",), ("text",), [])

EXPECTED = {
    "table": (
        " id  | name | ok \n-----+------+----\n"
        "   1 | é漢  | t\n -20 | a|b +| \n     | c    | \n(2 rows)\n\n"
    ),
    "box": """\
┌─────┬──────┬────┐
│ id  │ name │ ok │
├─────┼──────┼────┤
│   1 │ é漢  │ t  │
│ -20 │ a|b ↵│    │
│     │ c    │    │
└─────┴──────┴────┘
(2 rows)

""",
    "insert": """\
INSERT INTO result (id, name, ok) VALUES (1, 'é漢', true);
INSERT INTO result (id, name, ok) VALUES (-20, 'a|b
c', NULL);
""",
    "plain": "id|name|ok\n1|é漢|t\n-20|a|b\nc|\n(2 rows)\n",
    "csv": 'id,name,ok\n1,é漢,t\n-20,"a|b\nc",\n',
    "tsv": 'id\tname\tok\n1\té漢\tt\n-20\t"a|b\nc"\t\n',
    "json": """\
[
  {"id": 1, "name": "é漢", "ok": true},
  {"id": -20, "name": "a|b\\nc", "ok": null}
]
""",
    "jsonl": '{"id": 1, "name": "é漢", "ok": true}\n{"id": -20, "name": "a|b\\nc", "ok": null}\n',
    "markdown": """\
|  id | name      | ok  |
| --: | --------- | --- |
|   1 | é漢       | t   |
| -20 | a\\|b<br>c |     |
""",
}


def text_of(result: ResultText, settings: DisplaySettings) -> str:
    return "".join(format_result(result, settings))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_format_looks_as_expected(name: str) -> None:
    assert text_of(RESULT, DisplaySettings(format=name)) == EXPECTED[name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table", " a \n---\n(0 rows)\n\n"),
        ("plain", "a\n(0 rows)\n"),
        ("csv", "a\n"),
        ("tsv", "a\n"),
        ("json", "[\n]\n"),
        ("jsonl", ""),
        ("markdown", "| a   |\n| --- |\n"),
        ("insert", ""),
    ],
)
def test_an_empty_result_has_its_header_only(name: str, text: str) -> None:
    assert text_of(EMPTY, DisplaySettings(format=name)) == text


def test_text_that_looks_like_a_number_stays_as_it_is() -> None:
    result = ResultText(("a", "b"), ("text", "numeric"), [("1e5", "1e5"), ("007", "0.50")])
    assert text_of(result, DisplaySettings(has_footer=False)) == (
        "  a  |  b   \n-----+------\n 1e5 |  1e5\n 007 | 0.50\n\n"
    )


def test_nothing_but_rows_without_header_and_messages() -> None:
    settings = DisplaySettings(is_tuples_only=True, null="NULL")
    assert text_of(RESULT, settings).splitlines()[1] == " -20 | a|b +| NULL"
    assert text_of(RESULT, settings).splitlines()[0] == "   1 | é漢  | t"


def test_a_result_without_columns_counts_its_rows() -> None:
    assert text_of(ResultText((), (), [()]), DisplaySettings()) == "--\n(1 row)\n\n"


def test_columns_grow_only_from_piece_to_piece() -> None:
    rows = [(str(number), "x") for number in range(50)]
    rows[30] = ("30", "a long one")
    settings = DisplaySettings(border=2, piece_rows=20)
    lines = text_of(ResultText(("n", "t"), ("integer", "text"), rows), settings).splitlines()
    assert [len(lines[place]) for place in (0, 22, 23, 52, 53)] == [10, 10, 19, 19, 19]
    assert len(lines) == 50 + 6


def test_expanded_auto_looks_at_the_width_of_the_screen() -> None:
    result = ResultText(("a", "b"), ("text", "text"), [("x" * 20, "y" * 20)])
    for columns, is_table in ((0, True), (80, True), (45, True), (44, False)):
        settings = DisplaySettings(expanded=Expanded.AUTO, columns=columns)
        assert ("RECORD" not in text_of(result, settings)) is is_table


def test_omitted_rows_are_told() -> None:
    result = ResultText(("a",), ("integer",), [("1",)], omitted_count=9)
    assert "(1 of 10 rows; \\rows 0 shows all)" in text_of(result, DisplaySettings())


def test_json_numbers_and_documents_are_not_quoted() -> None:
    result = ResultText(
        ("n", "x", "j"), ("numeric", "double precision", "jsonb"), [("1.50", "NaN", '{"a": [1]}')]
    )
    line = text_of(result, DisplaySettings(format="jsonl"))
    assert line == '{"n": 1.50, "x": "NaN", "j": {"a": [1]}}\n'
    assert json.loads(line)["j"] == {"a": [1]}


def test_json_documents_of_several_lines_take_one() -> None:
    result = ResultText(("j",), ("json",), [('{"a":\n1}',)])
    assert text_of(result, DisplaySettings(format="jsonl")) == '{"j": {"a": 1}}\n'


def test_null_and_an_empty_text_are_told_apart_in_csv() -> None:
    result = ResultText(("a",), ("text",), [(None,), ("",), ("x",), ("\\.",)])
    assert text_of(result, DisplaySettings(format="csv")) == 'a\n\n""\nx\n"\\."\n'


def test_inserts_quote_what_must_be_quoted_and_load_again() -> None:
    result = ResultText(
        ("select", "n"), ("text", "double precision"), [("it's \\ 100%", "NaN"), (None, "1.5")]
    )
    settings = DisplaySettings(format="insert", table_name="Odd.t")
    text = text_of(result, settings)
    assert text.splitlines()[0] == (
        """INSERT INTO "Odd".t ("select", n) VALUES (E'it''s \\\\ 100%', 'NaN');"""
    )
    with lungfish.connect(autocommit=True) as connection:
        connection.execute('create schema "Odd"; create table "Odd".t ("select" text, n float)')
        connection.execute(text)
        again = result_of(connection.execute('select * from "Odd".t'))
        assert list(again.rows) == list(result.rows)


# What psql printed for these: see its README.
PSQL = Path(__file__).parent / "golden_psql" / "formats"


def psql_settings(name: str) -> DisplaySettings:
    """The settings that a golden file's name speaks of: aligned-border2-unicode-expanded-tuples-title."""
    words = name.split("-")
    return DisplaySettings(
        format={"aligned": "table", "unaligned": "plain"}.get(words[0], words[0]),
        border=next((int(word[-1]) for word in words if word.startswith("border")), 1),
        line_style="unicode" if "unicode" in words else "ascii",
        expanded=Expanded.ON if "expanded" in words else Expanded.OFF,
        is_tuples_only="tuples" in words,
        title="A title" if "title" in words else None,
    )


@pytest.mark.parametrize("path", sorted(PSQL.glob("*.txt")), ids=lambda path: str(path.stem))
def test_tables_are_those_of_psql_to_the_character(path: Path) -> None:
    queries = (PSQL / "queries.sql").read_text(encoding="utf-8").split(";\n")[:-1]
    printed = path.read_bytes().decode("utf-8").split("=====\n")[:-1]
    settings = psql_settings(path.stem)
    with lungfish.connect(autocommit=True) as connection:
        for query, text in zip(queries, printed, strict=True):
            assert text_of(result_of(connection.execute(query)), settings) == text, query
