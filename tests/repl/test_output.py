"""Results as text, in every format."""

from __future__ import annotations

import json

import pytest

from lungfish.repl.output import FORMATS, DisplaySettings, ResultText, format_result

RESULT = ResultText(
    columns=("id", "name", "ok"),
    types=("integer", "text", "boolean"),
    rows=[("1", "é漢", "t"), ("-20", "a|b\nc", None)],
)
EMPTY = ResultText(("a",), ("text",), [])

EXPECTED = {
    "table": """\
 id  | name | ok
-----+------+----
   1 | é漢  | t
 -20 | a|b  |
     | c    |
(2 rows)
""",
    "plain": "id|name|ok\n1|é漢|t\n-20|a|b\nc|",
    "csv": 'id,name,ok\n1,é漢,t\n-20,"a|b\nc",',
    "tsv": 'id\tname\tok\n1\té漢\tt\n-20\t"a|b\nc"\t',
    "json": """\
[
  {"id": 1, "name": "é漢", "ok": true},
  {"id": -20, "name": "a|b\\nc", "ok": null}
]""",
    "jsonl": '{"id": 1, "name": "é漢", "ok": true}\n{"id": -20, "name": "a|b\\nc", "ok": null}',
    "markdown": """\
| id  |   name    | ok |
|----:|-----------|----|
|   1 | é漢       | t  |
| -20 | a\\|b<br>c |    |""",
    "html": """\
<table>
<tr><th>id</th><th>name</th><th>ok</th></tr>
<tr><td align="right">1</td><td align="left">é漢</td><td align="left">t</td></tr>
<tr><td align="right">-20</td><td align="left">a|b
c</td><td align="left"></td></tr>
</table>""",
}


def text_of(result: ResultText, settings: DisplaySettings) -> str:
    return "\n".join(format_result(result, settings))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_looks_as_expected(name: str) -> None:
    assert text_of(RESULT, DisplaySettings(format=name)) == EXPECTED[name]


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_result_has_its_header_only(name: str) -> None:
    text = text_of(EMPTY, DisplaySettings(format=name))
    assert (
        text
        == {
            "table": " a\n---\n(0 rows)\n",
            "plain": "a",
            "csv": "a",
            "tsv": "a",
            "json": "[\n]",
            "jsonl": "",
            "markdown": "| a |\n|---|",
            "html": "<table>\n<tr><th>a</th></tr>\n</table>",
        }[name]
    )


def test_text_that_looks_like_a_number_stays_as_it_is() -> None:
    result = ResultText(("a", "b"), ("text", "numeric"), [("1e5", "1e5"), ("007", "0.50")])
    assert text_of(result, DisplaySettings(has_messages=False)) == (
        "  a  |  b\n-----+------\n 1e5 |  1e5\n 007 | 0.50"
    )


def test_expanded_puts_one_column_on_a_line() -> None:
    text = text_of(RESULT, DisplaySettings(is_expanded=True, null="~", has_messages=False))
    assert text == (
        "-[ RECORD 1 ]\nid   | 1\nname | é漢\nok   | t\n"
        "-[ RECORD 2 ]\nid   | -20\nname | a|b\n     | c\nok   | ~"
    )


def test_nothing_but_rows_without_header_and_messages() -> None:
    settings = DisplaySettings(has_header=False, has_messages=False, null="NULL")
    assert text_of(RESULT, settings).splitlines()[1] == " -20 | a|b  | NULL"
    assert text_of(RESULT, settings).splitlines()[0] == "   1 | é漢  | t"


def test_a_result_without_columns_counts_its_rows() -> None:
    assert text_of(ResultText((), (), [()]), DisplaySettings()) == "--\n(1 row)\n"


def test_widths_are_the_same_in_every_piece_of_a_long_result() -> None:
    rows = [(str(number), "x") for number in range(5_000)]
    rows[4_999] = ("4999", "a long one")
    lines = list(
        format_result(ResultText(("n", "t"), ("integer", "text"), rows), DisplaySettings())
    )
    assert lines[2].index("|") == lines[4_000].index("|") == lines[5_001].index("|")
    assert len(lines) == 5_000 + 4


def test_omitted_rows_are_told() -> None:
    result = ResultText(("a",), ("integer",), [("1",)], omitted_count=9)
    assert "(1 of 10 rows; \\rows 0 shows all)" in text_of(result, DisplaySettings())


def test_json_numbers_and_documents_are_not_quoted() -> None:
    result = ResultText(
        ("n", "x", "j"), ("numeric", "double precision", "jsonb"), [("1.50", "NaN", '{"a": [1]}')]
    )
    (line,) = format_result(result, DisplaySettings(format="jsonl"))
    assert line == '{"n": 1.50, "x": "NaN", "j": {"a": [1]}}'
    assert json.loads(line)["j"] == {"a": [1]}


def test_a_lone_empty_value_is_an_empty_line_in_csv() -> None:
    result = ResultText(("a",), ("text",), [(None,), ("x",)])
    assert text_of(result, DisplaySettings(format="csv")) == "a\n\nx"


def test_the_rule_of_an_expanded_record_marks_the_column() -> None:
    result = ResultText(("a_name_of_some_length", "b"), ("text", "text"), [("x", "yyyy")])
    first, *_ = format_result(result, DisplaySettings(is_expanded=True))
    assert first == "-[ RECORD 1 ]---------+-----"
