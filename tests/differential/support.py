"""Writes docs/sql-support.md: what is the same as PostgreSQL 18, what is refused, what is missing, with the figures.

python -m tests.differential.support                     # the text again, from the registry and the kept figures
python -m tests.differential.support --measure CORPORA   # runs the corpora and the generator first, and keeps the figures
    (--data FOLDER for the data files of pg-regress, which are not with the corpus)
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import lungfish
from lungfish import functions
from lungfish.functions import AGGREGATES, FUNCTIONS, WINDOW_FUNCTIONS
from lungfish.functions.registry import Aggregate, Function, WindowFunction
from tests.corpora import classic_slt, features, modern_slt, replay
from tests.differential import regression
from tests.differential.campaign import Run, run_campaign
from tests.differential.changes import run_changes
from tests.differential.patterns import run_patterns
from tests.differential.server import start_server
from tests.differential.sides import LungfishSide, PostgresSide
from tests.functions.answers import read_answers
from tests.functions.postgres_names import read_names
from tests.functions.samples import all_calls
from tests.sql.mutations import untyped_errors

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "sql-support.md"
FIGURES = Path(__file__).with_name("figures.json")
# How many random statements of each kind are compared, and the seed that they come from.
QUERIES, CHANGES, PATTERNS, MUTATIONS = 100_000, 20_000, 20_000, 200_000
SEED = 44
_ENTRIES = (Function, Aggregate, WindowFunction)
# The run whose statements that are answered otherwise are listed one by one.
REGRESSION = "pg-regress"
# Refused by name (0A000), though registered so that the refusal is a good one.
REFUSED: tuple[str, ...] = ()


# What PostgreSQL's own regression files show, beside what follows from statements that are refused (triggers, SET ROLE).
REGRESSION_DIFFERENCES = (
    "- Timestamps end in the year 294247, PostgreSQL's in 294276 (22008 beyond).",
    "- A foreign key to a partitioned table is one row of `pg_constraint`; PostgreSQL has another for each of that table's partitions.",
    "- Oids of built-in functions, operators and casts are Lungfish's own; columns of type xid are bigint, of inet text.",
    "- Roles and what is granted to them are kept and shown; statements run as the superuser: SET ROLE and SET SESSION AUTHORIZATION to",
    "  another role, PASSWORD, settings of roles, and privileges on temporary objects are refused (0A000).",
    "- A volatile operand of `CASE x WHEN` with several branches or of NULLIF is refused (0A000): it would be evaluated more than once.",
    "- Volatile functions in the list of an ordered query are called for the rows that are shown, in PostgreSQL also for those that",
    "  OFFSET skips and the one behind WITH TIES; with DISTINCT ON or sets in the list they are called for every row.",
    "- Bodies of SQL functions are read with `standard_conforming_strings` on, whatever it is where they are called.",
    "- What a WITH query gives, and what an INSERT reads of its own table, is there before the first row is stored: volatile functions in",
    "  it see none of those rows.",
    "- CREATE INDEX CONCURRENTLY that fails leaves nothing behind, in PostgreSQL an invalid index.",
    "- A view does not hold the primary key that its GROUP BY rests on: the key may be dropped, the view then raises.",
    "- A sequence with CACHE hands out one value at a time, as its row shows; sequences have no `relfilenode` of their own.",
)


def families() -> dict[str, tuple[str, ...]]:
    """The names of functions by the module that registers them."""
    found: dict[str, set[str]] = {}
    for module_name, module in vars(functions).items():
        if not isinstance(module, ModuleType):
            continue
        for table in vars(module).values():
            for entry in table if isinstance(table, tuple) else ():
                if isinstance(entry, _ENTRIES) and _is_public(entry.name):
                    found.setdefault(module_name, set()).add(entry.name)
    return {family: tuple(sorted(names)) for family, names in sorted(found.items())}


def _is_public(name: str) -> bool:
    return name[0].isalpha() and "." not in name


def function_lines() -> Iterator[str]:
    """The section about functions, which follows from the registry and the kept answers alone."""
    answers = read_answers()
    calls = [call for call in all_calls() if call.sql() in answers]
    held = {call.name for call in calls}
    known = {entry.name for table in (FUNCTIONS, AGGREGATES, WINDOW_FUNCTIONS) for entry in table}
    yield "## Functions"
    yield ""
    yield (
        f"{len(FUNCTIONS)} signatures of functions and operators, {len(AGGREGATES)} of aggregates, {len(WINDOW_FUNCTIONS)} of window"
        f" functions. {len(calls)} calls at the edges of the types are held to PostgreSQL 18's answers"
        " (`python -m tests.functions.answers --compare`), by the scalar form and by the vector form. A star marks functions"
        " held so; the others depend on the session or are aggregates, which the generator compares."
    )
    yield ""
    yield "| module | functions |"
    yield "| --- | --- |"
    for family, names in families().items():
        shown = ", ".join(f"{name}{'*' if name in held else ''}" for name in names)
        yield f"| {family} | {shown} |"
    yield ""
    if REFUSED:
        yield f"Refused (0A000): {', '.join(REFUSED)}."
        yield ""
    missing = [name for name in read_names() if name not in known]
    yield f"Missing (0A000) of what PostgreSQL 18 offers: {', '.join(missing)}."
    yield ""
    yield "Out: functions of geometry, networks, text search, XML and money."


def figure_lines(figures: dict[str, Any]) -> Iterator[str]:
    """The section about the runs."""
    yield "## Agreement, measured"
    yield ""
    yield "| what | agree | of | command |"
    yield "| --- | --- | --- | --- |"
    for name, row in figures["runs"].items():
        yield f"| {name} | {row['agree']} | {row['of']} | `{row['command']}` |"
    yield ""
    yield "What does not agree in these runs, by reason:"
    yield ""
    for name, row in figures["runs"].items():
        for reason in row.get("reasons", ()):
            yield f"- {name}: {reason}"


def regression_lines(figures: dict[str, Any]) -> Iterator[str]:
    """The section about PostgreSQL's regression files, once they were run."""
    row = figures["runs"].get(REGRESSION)
    if row is not None:
        yield from regression.difference_lines(row)


def page(figures: dict[str, Any]) -> str:
    lines = [
        "# SQL support",
        "",
        "The contract: the same answer as PostgreSQL 18, or a clean error (0A000 names what is missing). Written by",
        "`python -m tests.differential.support`; the figures are those of its last `--measure`.",
        "",
        *figure_lines(figures),
        "",
        "Known differences, accepted:",
        "",
        "- A constant that raises only when it is cast to its column (`INSERT INTO t SELECT 'too long' FROM u WHERE false`), or because of",
        "  a conversion that settings or the catalog have a say in, raises when a row asks for it; in PostgreSQL when it plans. A text that",
        "  no settings read raises when it is bound, as there, and so does a name in a literal of regclass or regtype.",
        "- All collations order by code points. What ILIKE and regular expressions take for letters beyond ASCII with a collation other than",
        "  the default one, ICU, CREATE COLLATION and collations of attributes are refused (0A000). That none could be determined is said of",
        "  arrays of different lengths and of GREATEST with NULLs too, and of ORDER BY when it is bound.",
        "- Rows without a named type whose fields differ are refused among each other (0A000): in UNION, CASE, ARRAY and the like.",
        "- Digits of floats after the eleventh may differ: sums depend on the order of rows.",
        "- Whether a constant range that is empty or has no bounds holds a NULL is NULL; PostgreSQL's planner, which knows the answer for all else,",
        "  says false or true.",
        "- A key of GROUPING SETS without columns is null in HAVING for PostgreSQL only where it plans a query without rows (`WHERE false`).",
        *REGRESSION_DIFFERENCES,
        "",
        *regression_lines(figures),
        *function_lines(),
    ]
    return "\n".join(lines) + "\n"


def measure(corpora: Path, kept: dict[str, Any], words: list[str], *, data: str) -> dict[str, Any]:
    """The runs whose name holds one of the words (all of them without); the others keep their figures. Takes some minutes.

    `data` is the folder that PostgreSQL's regression files copy from.
    """
    runs: dict[str, Callable[[], dict[str, Any]]] = {
        "random queries against PostgreSQL 18": lambda: _generated(run_campaign, QUERIES, ""),
        "random INSERT, UPDATE, DELETE and MERGE": lambda: _generated(
            run_changes, CHANGES, "--changes "
        ),
        "random regular expressions and LIKE patterns": lambda: _generated(
            run_patterns, PATTERNS, "--patterns "
        ),
        "mutated statements that are parsed, or refused with an SQLSTATE": _mutated,
        REGRESSION: lambda: regression.measure(corpora / "pg-regress", data),
        "sql2016-features": lambda: _features(corpora / "sql2016-features"),
        "defog-sql-eval": lambda: _replayed(corpora / "defog-sql-eval"),
        "sqllogictest": lambda: _classic(corpora / "sqllogictest"),
        "duckdb": lambda: _modern(corpora / "duckdb"),
        "datafusion": lambda: _modern(corpora / "datafusion"),
        "risinglight": lambda: _modern(corpora / "risinglight"),
    }
    found = dict(kept.get("runs", {}))
    for name, run in runs.items():
        if not words or any(word in name for word in words):
            found[name] = run()
    return {"runs": {name: found[name] for name in runs if name in found}}


def _features(folder: Path) -> dict[str, Any]:
    outcomes = list(features.run_features(folder))
    found = features.summary(outcomes)
    refusals = sorted({o.refusal for o in outcomes if o.is_postgres and o.refusal})
    return {
        "agree": found["accepted"],
        "of": found["of"],
        "command": "python -m tests.corpora.features ../shared/corpora/sql2016-features",
        "reasons": refusals[:8],
    }


def _generated(run: Run, count: int, option: str) -> dict[str, Any]:
    with start_server() as uri:
        postgres, ours = PostgresSide(uri), LungfishSide()
        found = [item for item in run(postgres, ours, count=count, seed=SEED) if item]
        ours.close()
        postgres.close()
    return {
        "agree": count - len(found),
        "of": count,
        "command": f"python -m tests.differential {option}--queries {count} --seed {SEED}",
        "reasons": [f"{item.what}: `{item.sql[:160]}`" for item in found[:10]],
    }


def _mutated() -> dict[str, Any]:
    found = list(untyped_errors(MUTATIONS, SEED))
    return {
        "agree": MUTATIONS - len(found),
        "of": MUTATIONS,
        "command": f"python -m tests.sql.mutations --count {MUTATIONS} --seed {SEED}",
        "reasons": [text[:160] for text in found[:10]],
    }


def _modern(folder: Path) -> dict[str, Any]:
    verdicts = modern_slt.read_verdicts(folder)
    passed, reasons = 0, []
    with tempfile.TemporaryDirectory() as scratch:
        for path in modern_slt.files_below(folder):
            name = path.relative_to(folder).as_posix()
            with modern_slt.lungfish_opener(Path(scratch)) as opener:
                score = modern_slt.run_file(path, name, verdicts, opener)
            passed += len(score.passed)
            reasons += [text.split("\n")[0][:80] for text in score.failures.values()]
    counted = {text: reasons.count(text) for text in dict.fromkeys(reasons) if "got " not in text}
    largest = sorted(counted, key=lambda text: -counted[text])[:8]
    different = sum("got " in text for text in reasons)
    return {
        "agree": passed,
        "of": passed + len(reasons),
        "command": f"python -m tests.corpora.modern_slt ../shared/corpora/{folder.name}",
        "reasons": [f"{counted[text]} x {text}" for text in largest]
        + ([f"{different} answered otherwise than the file says"] if different else []),
    }


def _replayed(folder: Path) -> dict[str, Any]:
    outcomes = []
    for path in sorted(folder.glob("*.replay.jsonl.gz")):
        with lungfish.connect(":memory:", autocommit=True) as connection:
            outcomes += replay.run_replay(connection, path)
    return {
        "agree": sum(outcome.verdict == "agree" for outcome in outcomes),
        "of": len(outcomes),
        "command": "python -m pytest tests/corpora -k defog",
        "reasons": [f"{o.verdict}: {o.detail[:80]}" for o in outcomes if o.verdict != "agree"][:8],
    }


def _classic(folder: Path) -> dict[str, Any]:
    exceptions = classic_slt.read_exceptions(folder)
    passed = failed = 0
    started = time.monotonic()
    for path in classic_slt.files_below(folder):
        name = path.relative_to(folder).as_posix().removesuffix(".gz")
        score = classic_slt.run_file(path, exceptions.get(name, set()))
        passed += score.passed
        failed += score.failed
    return {
        "agree": passed,
        "of": passed + failed,
        "command": "python -m tests.corpora.classic_slt ../shared/corpora/sqllogictest",
        "reasons": [f"every record, in {time.monotonic() - started:.0f} s of one core"],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/sql-support.md.")
    parser.add_argument("--measure", type=Path, metavar="CORPORA")
    parser.add_argument("--data", default="", help="where pg-regress has its `data/`")
    parser.add_argument("words", nargs="*", help="only the runs whose name holds one of these")
    options = parser.parse_args()
    if options.measure is not None:
        kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
        data = options.data or str(options.measure / "pg-regress")
        figures = measure(options.measure, kept, options.words, data=data)
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(json.loads(FIGURES.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
