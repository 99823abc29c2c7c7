"""Scripts of SQL that PostgreSQL 18 and Lungfish must answer alike, one subject each: the folders `scripts` and `statements`.

Errors are compared by SQLSTATE, in `scripts` by their messages too; rows as a multiset unless the statement has an ORDER BY outside
of brackets. Each script is run in a database and a session of its own on either side, so none sees what another left.
"""

from __future__ import annotations

from pathlib import Path

from lungfish.sql.split import split_script
from lungfish.sql.tokens import tokens
from tests.differential.compare import difference
from tests.differential.sides import Side

WORDED = Path(__file__).parent / "scripts"
FOLDERS = (Path(__file__).parent / "statements", WORDED)


def script_paths() -> list[Path]:
    """The scripts of both folders."""
    return [path for folder in FOLDERS for path in sorted(folder.glob("*.sql"))]


def differences(script: Path, expected: Side, ours: Side) -> list[str]:
    """What the two answer differently."""
    is_worded = script.parent == WORDED
    found = []
    for piece in split_script(script.read_text(encoding="utf-8")):
        wanted, got = expected.run(piece.text), ours.run(piece.text)
        what = difference(wanted, got, is_ordered=is_ordered(piece.text), is_loose=False)
        if what is None and is_worded and wanted.message != got.message:
            what = "message"
        if what is not None:
            place = f"line {piece.line}, {what}: {piece.text}"
            found.append(f"{place}\n  {wanted.summary()}\n  {got.summary()}")
    return found


def is_ordered(statement: str) -> bool:
    """Whether ORDER BY stands outside of brackets."""
    depth, before = 0, ""
    for token in tokens(statement):
        word = statement[token.start : token.end].lower()
        if token.kind == "other":
            depth += (word in "([") - (word in ")]")
        if depth == 0 and (before, word) == ("order", "by"):
            return True
        before = word if token.kind != "space" else before
    return False
