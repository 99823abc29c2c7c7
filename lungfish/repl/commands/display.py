r"""How results look: \x \a \t \f \H \C \pset \format \null \rows \timing, and \last."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from lungfish import errors
from lungfish.repl.commands.entry import Entry, switch, words_of
from lungfish.repl.formats import FORMAT_ALIASES, FORMATS, DisplaySettings, Expanded
from lungfish.repl.interpreter import Interpreter

_EXPANDED_WORDS = {
    Expanded.ON: "on",
    Expanded.OFF: "off",
    Expanded.AUTO: "used automatically",
}


def set_option(interpreter: Interpreter, option: str, words: list[str]) -> None:
    r"""Set a `\pset` option, or turn it to its other state without a word. Raises SyntaxError, InvalidParameterValue."""
    setter = _OPTIONS.get(option)
    if setter is None:
        raise errors.SyntaxError(
            f"\\pset: unknown option: {option}", hint=f"The options are {', '.join(_OPTIONS)}."
        )
    interpreter.say(setter(interpreter, words))


def format_named(name: str) -> str:
    """The format of that name, one of its aliases, or an unambiguous beginning. Raises InvalidParameterValue."""
    if name in FORMATS or name in FORMAT_ALIASES:
        return FORMAT_ALIASES.get(name, name)
    found = {
        FORMAT_ALIASES.get(each, each)
        for each in [*FORMATS, *FORMAT_ALIASES]
        if each.startswith(name)
    }
    if len(found) == 1:
        return found.pop()
    raise errors.InvalidParameterValue(
        f'there is no format "{name}"', hint=f"The formats are {', '.join(FORMATS)}."
    )


# Options of \pset: each sets the display and answers what psql says of it.


def _border(interpreter: Interpreter, words: list[str]) -> str:
    if words:
        if words[0] not in ("0", "1", "2"):
            raise errors.InvalidParameterValue("\\pset: border is 0, 1 or 2")
        interpreter.display.border = int(words[0])
    return f"Border style is {interpreter.display.border}."


def _columns(interpreter: Interpreter, words: list[str]) -> str:
    if words:
        interpreter.display.columns = _whole(words[0], "columns")
    width = interpreter.display.columns
    return f"Target width is {width}." if width else "Target width is unset."


def _expanded(interpreter: Interpreter, words: list[str]) -> str:
    display = interpreter.display
    if words and words[0] == "auto":
        display.expanded = Expanded.AUTO
    else:
        is_on = switch(interpreter, display.expanded is Expanded.ON, "\\x", "".join(words[:1]))
        display.expanded = Expanded.ON if is_on else Expanded.OFF
    return f"Expanded display is {_EXPANDED_WORDS[display.expanded]}."


def _format(interpreter: Interpreter, words: list[str]) -> str:
    if words:
        interpreter.display.format = format_named(words[0])
    if len(words) > 1 and interpreter.display.format == "insert":
        interpreter.display.table_name = words[1]
    return f"Output format is {interpreter.display.format}."


def _line_style(interpreter: Interpreter, words: list[str]) -> str:
    if words:
        if words[0] not in ("ascii", "unicode"):
            raise errors.InvalidParameterValue("\\pset: allowed line styles are ascii, unicode")
        interpreter.display.line_style = words[0]
    return f"Line style is {interpreter.display.line_style}."


def _pager(interpreter: Interpreter, words: list[str]) -> str:
    display = interpreter.display
    if words and words[0] == "always":
        display.pager = "always"
    else:
        is_on = switch(interpreter, display.pager != "off", "pager", "".join(words[:1]))
        display.pager = "on" if is_on else "off"
    return {
        "on": "Pager is used for long output.",
        "always": "Pager is always used.",
        "off": "Pager usage is off.",
    }[display.pager]


def _title(interpreter: Interpreter, words: list[str]) -> str:
    interpreter.display.title = words[0] if words else None
    return f'Title is "{words[0]}".' if words else "Title is unset."


def _text_option(attribute: str, label: str) -> Callable[[Interpreter, list[str]], str]:
    def option(interpreter: Interpreter, words: list[str]) -> str:
        if words:
            setattr(interpreter.display, attribute, words[0])
        value = getattr(interpreter.display, attribute)
        shown = "<newline>" if value == "\n" else f'"{value}"'
        return f"{label} is {shown}."

    return option


def _switch_option(attribute: str, label: str) -> Callable[[Interpreter, list[str]], str]:
    def option(interpreter: Interpreter, words: list[str]) -> str:
        current = getattr(interpreter.display, attribute)
        is_on = switch(interpreter, current, attribute, "".join(words[:1]))
        setattr(interpreter.display, attribute, is_on)
        return f"{label} is {'on' if is_on else 'off'}."

    return option


def _whole(word: str, name: str) -> int:
    if not word.isdigit():
        raise errors.SyntaxError(f"{name} takes a whole number, not {word}")
    return int(word)


_OPTIONS: Mapping[str, Callable[[Interpreter, list[str]], str]] = {
    "border": _border,
    "columns": _columns,
    "csv_fieldsep": _text_option("csv_separator", "Field separator for CSV"),
    "expanded": _expanded,
    "x": _expanded,
    "fieldsep": _text_option("field_separator", "Field separator"),
    "footer": _switch_option("has_footer", "Default footer"),
    "format": _format,
    "header": _switch_option("has_header", "Header"),
    "linestyle": _line_style,
    "null": _text_option("null", "Null display"),
    "pager": _pager,
    "recordsep": _text_option("record_separator", "Record separator"),
    "tablename": _text_option("table_name", "Table name for insert"),
    "title": _title,
    "tuples_only": _switch_option("is_tuples_only", "Tuples only"),
    "t": _switch_option("is_tuples_only", "Tuples only"),
}
OPTION_NAMES = tuple(_OPTIONS)


# Commands.


def _pset(interpreter: Interpreter, _name: str, argument: str) -> None:
    words = words_of(interpreter, argument)
    if words:
        set_option(interpreter, words[0], words[1:])
        return
    for line in _settings_lines(interpreter.display):
        interpreter.print(line)


def _settings_lines(display: DisplaySettings) -> list[str]:
    values = {
        "border": str(display.border),
        "columns": str(display.columns),
        "csv_fieldsep": f"'{display.csv_separator}'",
        "expanded": display.expanded.value,
        "fieldsep": f"'{display.field_separator}'",
        "footer": "on" if display.has_footer else "off",
        "format": display.format,
        "header": "on" if display.has_header else "off",
        "linestyle": display.line_style,
        "null": f"'{display.null}'",
        "pager": display.pager,
        "recordsep": repr(display.record_separator),
        "tablename": display.table_name,
        "title": display.title or "",
        "tuples_only": "on" if display.is_tuples_only else "off",
    }
    return [f"{name.ljust(24)} {value}" for name, value in values.items()]


def _short(option: str) -> Callable[[Interpreter, str, str], None]:
    """A command that is short for a `\\pset` option."""

    def command(interpreter: Interpreter, _name: str, argument: str) -> None:
        set_option(interpreter, option, words_of(interpreter, argument))

    return command


def _align(interpreter: Interpreter, _name: str, _argument: str) -> None:
    set_option(
        interpreter, "format", ["table" if interpreter.display.format == "plain" else "plain"]
    )


def _html(interpreter: Interpreter, _name: str, _argument: str) -> None:
    set_option(interpreter, "format", ["table" if interpreter.display.format == "html" else "html"])


def _timing(interpreter: Interpreter, name: str, argument: str) -> None:
    display = interpreter.display
    display.has_timing = switch(interpreter, display.has_timing, name, argument)
    interpreter.say(f"Timing is {'on' if display.has_timing else 'off'}.")


def _rows(interpreter: Interpreter, name: str, argument: str) -> None:
    interpreter.display.rows_max = _whole(argument or "0", name)
    interpreter.say(f"Rows shown of a result: {interpreter.display.rows_max or 'all'}.")


def _last(interpreter: Interpreter, _name: str, argument: str) -> None:
    """The last result again, in the format that is set now or that is named."""
    result = interpreter.last_result
    if result is None:
        interpreter.say("There is no result yet.")
        return
    words = words_of(interpreter, argument)
    before = interpreter.display
    if words:
        interpreter.display = replace(before, format=format_named(words[0]), expanded=Expanded.OFF)
    try:
        interpreter.show_result(result)
    finally:
        interpreter.display = before


_FORMAT_WORDS = "|".join(FORMATS)
ENTRIES = (
    Entry(("\\x",), "\\x [on|off|auto]", "one column a line", _short("expanded"), "on|off|auto"),
    Entry(("\\a",), "\\a", "between aligned and unaligned output", _align),
    Entry(("\\t",), "\\t [on|off]", "rows only, without header and count", _short("tuples_only"), "on|off"),
    Entry(("\\f", ".separator"), "\\f [TEXT]", "what stands between values in unaligned output", _short("fieldsep")),
    Entry(("\\H",), "\\H", "HTML output on or off", _html),
    Entry(("\\C",), "\\C [TEXT]", "the title of tables", _short("title")),
    Entry(("\\format", ".mode"), "\\format [NAME]", f"output format: {', '.join(FORMATS)}", _short("format"), _FORMAT_WORDS),
    Entry(("\\null", ".nullvalue"), "\\null 'TEXT'", "how NULL is shown", _short("null")),
    Entry((".headers", ".header"), ".headers on|off", "the line of column names", _short("header"), "on|off"),
    Entry(("\\rows", ".maxrows"), "\\rows [N]", "show at most N rows of a result; 0 shows all", _rows),
    Entry(("\\pset",), "\\pset [NAME [VALUE]]", f"a display option: {', '.join(_OPTIONS)}", _pset, "|".join(_OPTIONS)),
    Entry(("\\timing", ".timer"), "\\timing [on|off]", "show how long statements take", _timing, "on|off"),
    Entry(("\\last",), "\\last [FORMAT]", "the last result again, perhaps in another format", _last, _FORMAT_WORDS),
)  # fmt: skip
