r"""`\crosstabview`: rows as a table with one column's values down, another's across, a third's inside."""

from __future__ import annotations

from lungfish import errors
from lungfish.repl.formats import ResultText
from lungfish.repl.input.words import unquote_name

_COLUMNS_MAX = 1600


def crosstab(result: ResultText, words: list[str]) -> ResultText:
    """Turn a result around. The words are psql's: columns down, across, inside, and to sort across by; names or numbers from 1."""
    if len(result.columns) < 3:
        raise errors.SyntaxError("\\crosstabview: query must return at least three columns")
    down = _place(result, words, 0, 0)
    across = _place(result, words, 1, 1)
    if down == across:
        raise errors.SyntaxError(
            "\\crosstabview: vertical and horizontal headers must be different columns"
        )
    inside = _inside(result, words, down, across)
    sort = _place(result, words, 3, -1)
    downs: dict[str | None, int] = {}
    acrosses: dict[str | None, str | None] = {}
    cells: dict[tuple[str | None, str | None], str | None] = {}
    for row in result.rows:
        key = row[down], row[across]
        if key in cells:
            raise errors.CardinalityViolation(
                "\\crosstabview: query result contains multiple data values for"
                f' row "{key[0] or ""}", column "{key[1] or ""}"'
            )
        downs.setdefault(key[0], len(downs))
        acrosses.setdefault(key[1], row[sort] if sort >= 0 else None)
        cells[key] = row[inside]
    if len(acrosses) > _COLUMNS_MAX:
        raise errors.ProgramLimitExceeded(
            f"\\crosstabview: maximum number of columns ({_COLUMNS_MAX}) exceeded"
        )
    order = sorted(acrosses, key=lambda each: _rank(acrosses[each])) if sort >= 0 else acrosses
    rows = [(name, *[cells.get((name, each), "") for each in order]) for name in downs]
    return ResultText(
        (result.columns[down], *[each or "" for each in order]),
        (result.types[down], *[result.types[inside]] * len(acrosses)),
        rows,
    )


def _rank(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError as error:
        raise errors.SyntaxError(
            "\\crosstabview: the column to sort by must hold numbers"
        ) from error


def _inside(result: ResultText, words: list[str], down: int, across: int) -> int:
    """The column of the values: the third word, or the one that is left."""
    if len(words) > 2:
        return _place(result, words, 2, 2)
    if len(result.columns) > 3:
        raise errors.SyntaxError(
            "\\crosstabview: data column must be specified when query returns more than three columns"
        )
    return ({0, 1, 2} - {down, across}).pop()


def _place(result: ResultText, words: list[str], index: int, default: int) -> int:
    """The place of the column that a word names."""
    if len(words) <= index:
        return default
    word = words[index]
    if word.isdigit():
        if not 1 <= int(word) <= len(result.columns):
            raise errors.SyntaxError(
                f"\\crosstabview: column number {word} is out of range 1..{len(result.columns)}"
            )
        return int(word) - 1
    name = unquote_name(word)
    found = [place for place, each in enumerate(result.columns) if each == name]
    if not found:
        raise errors.UndefinedColumn(f'\\crosstabview: column name not found: "{name}"')
    if len(found) > 1:
        raise errors.AmbiguousColumn(f'\\crosstabview: ambiguous column name: "{name}"')
    return found[0]
