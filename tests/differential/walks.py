"""Scripts that statements are taken from, each with its statements in order: what a statement speaks of is there when its turn comes."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lungfish.sql.split import split_script
from tests.differential.scripts import script_paths

# The corpora's replay files, and what each folder's begin with.
_REPLAYS = (
    ("pg-regress/replay", "pg-regress/replay/test_setup.jsonl"),
    ("defog-sql-eval", None),
    ("chinook", "chinook/Chinook_PostgreSql.sql"),
    ("sql2016-features", None),
    ("tpch-sf0.01", None),
)
# The tables of PostgreSQL's scripts whose data are not in the corpora, with a few rows.
_ROWS = (
    "INSERT INTO {name} SELECT i * 7 % 60, i, i % 2, i % 4, i % 10, i % 20, i % 100, i % 60, i * 3 % 60, i % 60, i, i % 7, i % 9,"
    " chr(65 + i % 26) || 'AAAAA', chr(90 - i % 26) || 'AAAAA', (ARRAY['AAAAxx', 'HHHHxx', 'OOOOxx', 'VVVVxx'])[i % 4 + 1] FROM generate_series(0, 59) AS i"
)
_FILLED = (
    *(_ROWS.format(name=name) for name in ("onek", "onek2", "tenk1", "tenk2")),
    "INSERT INTO person VALUES ('mike', 40, '(3.1,6.2)'), ('joe', 20, '(5.5,2.5)'), ('sally', NULL, NULL)",
    "INSERT INTO emp VALUES ('sharon', 25, '(15,12)', 1000, 'sam'), ('sam', 30, '(10,5)', 2000, 'bill')",
    "INSERT INTO student VALUES ('fred', 28, '(3.1,-1.5)', 3.7), ('larry', 60, '(21.8,4.9)', 3.1)",
)


@dataclass(frozen=True, slots=True)
class Walk:
    """A script: `setup` is run first, and not mutated."""

    name: str
    setup: tuple[str, ...]
    statements: tuple[str, ...]


def own_walks() -> list[Walk]:
    """The scripts of the folders `statements` and `scripts`."""
    return [
        Walk(path.stem, (), tuple(piece.text for piece in split_script(path.read_text())))
        for path in script_paths()
    ]


def corpus_walks(corpora: Path) -> list[Walk]:
    """The corpora's replay files; none if there are no corpora."""
    walks = []
    for folder, setup in _REPLAYS:
        before = tuple(_statements(corpora / setup)) if setup is not None else ()
        if folder == "pg-regress/replay":
            before += _FILLED
        for path in sorted((corpora / folder).glob("*.jsonl*")):
            if path.name != "test_setup.jsonl":
                schema = path.with_name(path.name.split(".")[0] + ".sql")
                own = (*before, *_statements(schema)) if schema.exists() else before
                walks.append(Walk(path.name.split(".")[0], own, tuple(_statements(path))))
    return walks


def _statements(path: Path) -> Iterator[str]:
    """The statements of a script or a replay file, less those that read files."""
    if path.suffix == ".sql":
        yield from (piece.text for piece in split_script(path.read_text()))
        return
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            sql = record.get("sql", "")
            for text in sql if isinstance(sql, list) else [sql]:
                if (
                    text
                    and "@DATADIR@" not in text
                    and "@TMPDIR@" not in text
                    and "stdin" not in record
                ):
                    yield text
