"""Every SQL text of the shared corpora, with what PostgreSQL's parser says of it where the corpus tells."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lungfish.sql import split_script

_DIRECTIVE = re.compile(r"(?:statement|query)\b")
_LOOP_VARIABLE = re.compile(r"\{\w+\}")
# Of the classic files, which differ in numbers more than in form, one record in so many.
_CLASSIC_SHARE = 20
_SCRIPTS = (
    "chinook/*.sql",
    "defog-sql-eval/*.sql",
    "tpch-sf0.01/*.sql",
    "tpch-sf0.01/queries/*.sql",
)


@dataclass(frozen=True)
class CorpusText:
    """A text. `sqlstate`: "" where PostgreSQL 15 runs it, its error's code where not, None where unknown."""

    source: str
    sql: str
    sqlstate: str | None


def read_text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode(errors="replace")


def corpus_texts(corpora: Path) -> Iterator[CorpusText]:
    yield from _replay_texts(corpora)
    for folder in ("risinglight", "datafusion", "duckdb"):
        yield from _indexed_texts(corpora / folder)
    yield from _classic_texts(corpora / "sqllogictest")
    for pattern in _SCRIPTS:
        for path in sorted(corpora.glob(pattern)):
            for piece in split_script(read_text(path)):
                yield CorpusText(path.name, piece.text, "")


def corpus_statements(corpora: Path) -> list[str]:
    """The different texts, in a fixed order."""
    return list(dict.fromkeys(text.sql for text in corpus_texts(corpora)))


def _replay_texts(corpora: Path) -> Iterator[CorpusText]:
    for path in sorted(corpora.glob("**/*.jsonl.gz")):
        for line in read_text(path).splitlines():
            entry = json.loads(line)
            if isinstance(entry.get("sql"), str):
                yield CorpusText(path.name, entry["sql"], entry.get("error", ""))


def _records(text: str) -> Iterator[tuple[int, str, str]]:
    """The records of a sqllogictest file: line of the directive (1-based), the conditions before it, SQL."""
    lines = text.split("\n")
    conditions: list[str] = []
    for index, line in enumerate(lines):
        if line.startswith(("skipif", "onlyif")):
            conditions.append(line)
        elif _DIRECTIVE.match(line):
            end = index + 1
            while end < len(lines) and lines[end].strip() and lines[end].strip() != "----":
                end += 1
            yield index + 1, " ".join(conditions), "\n".join(lines[index + 1 : end])
            conditions = []


def _indexed_texts(folder: Path) -> Iterator[CorpusText]:
    """Files whose index says what PostgreSQL makes of each record."""
    rows = [line.split("\t") for line in read_text(folder / "pg15.tsv.gz").splitlines()[1:]]
    verdicts = {(row[0], int(row[1])): (row[3], row[4]) for row in rows}
    for name in sorted({file for file, _ in verdicts}):
        for line, _, sql in _records(read_text(folder / name)):
            verdict, detail = verdicts.get((name, line), ("skip", ""))
            if verdict == "skip" or _LOOP_VARIABLE.search(sql) or "\ufffd" in sql:
                continue
            known = re.fullmatch(r"[0-9A-Z]{5}", detail)
            sqlstate = detail if known else "" if verdict in ("pass", "fail") else None
            yield CorpusText(f"{folder.name}/{name}:{line}", sql, sqlstate)


def _classic_texts(folder: Path) -> Iterator[CorpusText]:
    for path in sorted([*folder.glob("**/*.test"), *folder.glob("**/*.test.gz")]):
        records = list(_records(read_text(path)))
        step = 1 if len(records) < 1_000 else _CLASSIC_SHARE
        for line, conditions, sql in records[::step]:
            is_other = "onlyif" in conditions and "postgresql" not in conditions
            if not is_other and "skipif postgresql" not in conditions:
                yield CorpusText(f"{path.name}:{line}", sql, None)
