"""Real test material: each family in full where it is small, and a sample of the large ones (all of it with --release)."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest

import lungfish
from tests.conftest import CORPORA
from tests.corpora import classic_slt, modern_slt, replay

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

CLASSIC = CORPORA / "sqllogictest"
SAMPLE_RECORDS = 400


def classic_files() -> list[str]:
    if not CLASSIC.is_dir():
        return []
    return [path.relative_to(CLASSIC).as_posix() for path in classic_slt.files_below(CLASSIC)]


@pytest.mark.parametrize(
    "name", [name for name in classic_files() if not name.startswith("random/")]
)
def test_a_classic_file_gives_postgresqls_answers(
    name: str, request: pytest.FixtureRequest
) -> None:
    exceptions = classic_slt.read_exceptions(CLASSIC).get(name.removesuffix(".gz"), set())
    most = None if request.config.getoption("--release") else SAMPLE_RECORDS
    score = classic_slt.run_file(CLASSIC / name, exceptions, most=most)
    assert not score.failures
    assert score.passed > 0


def modern_score(
    folder: Path, tmp_path: Path, *, words: tuple[str, ...] = ()
) -> tuple[int, list[str]]:
    """How many records that PostgreSQL passes are passed, and what went wrong at the others."""
    verdicts = modern_slt.read_verdicts(folder)
    passed, failures = 0, []
    for path in modern_slt.files_below(folder):
        name = path.relative_to(folder).as_posix()
        if words and not any(word in name for word in words):
            continue
        with modern_slt.lungfish_opener(tmp_path) as opener:
            score = modern_slt.run_file(path, name, verdicts, opener)
        passed += len(score.passed)
        failures += [f"{name}:{line}: {text}" for line, text in score.failures.items()]
    return passed, failures


def test_every_risinglight_record_that_postgresql_passes_is_passed(tmp_path: Path) -> None:
    passed, failures = modern_score(CORPORA / "risinglight", tmp_path)
    assert not failures
    assert passed > 350


def test_datafusion_records_are_passed_at_the_rate_aimed_at(tmp_path: Path) -> None:
    passed, failures = modern_score(CORPORA / "datafusion", tmp_path)
    assert passed >= 0.95 * (passed + len(failures))
    assert not [text for text in failures if "XX000" in text]


def test_duckdb_records_are_passed_at_the_rate_aimed_at(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_whole = request.config.getoption("--release")
    words = () if is_whole else ("aggregate/", "join/", "setops/", "order/")
    passed, failures = modern_score(CORPORA / "duckdb", tmp_path, words=words)
    assert passed >= 0.95 * (passed + len(failures))


def load_tpch(connection: Any, folder: Path) -> int:
    """Make the tables and fill them; the number of rows."""
    connection.run_script(folder / "schema.sql")
    count = 0
    for name in (
        "region",
        "nation",
        "part",
        "supplier",
        "partsupp",
        "customer",
        "orders",
        "lineitem",
    ):
        with gzip.open(folder / "data" / f"{name}.csv.gz", "rt", newline="") as stream:
            rows = list(csv.reader(io.StringIO(stream.read())))
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        count += len(rows)
    return count


def test_tpch_gives_postgresqls_answers_also_after_a_crash(tmp_path: Path) -> None:
    folder = CORPORA / "tpch-sf0.01"
    path = str(tmp_path / "tpch.db")
    with lungfish.connect(path, autocommit=True) as connection:
        assert load_tpch(connection, folder) == 86_805
        first = replay.run_replay(connection, folder / "replay.jsonl.gz")
        lungfish.open(path).crash()
        connection.close()
    assert [outcome for outcome in first if outcome.verdict != "agree"] == []
    with lungfish.connect(path, autocommit=True) as connection:
        again = replay.run_replay(connection, folder / "replay.jsonl.gz")
    assert [outcome for outcome in again if outcome.verdict != "agree"] == []


def test_chinook_loads_and_gives_postgresqls_answers_also_after_a_crash(tmp_path: Path) -> None:
    folder = CORPORA / "chinook"
    path = str(tmp_path / "chinook.db")
    with lungfish.connect(path, autocommit=True) as connection:
        connection.run_script(folder / "Chinook_PostgreSql.sql")
        first = replay.run_replay(connection, folder / "probe.replay.jsonl.gz")
        lungfish.open(path).crash()
        connection.close()
    assert len(first) == 22
    assert [outcome for outcome in first if outcome.verdict != "agree"] == []
    with lungfish.connect(path, autocommit=True) as connection:
        again = replay.run_replay(connection, folder / "probe.replay.jsonl.gz")
    assert [outcome for outcome in again if outcome.verdict != "agree"] == []


@pytest.mark.parametrize("name", ["academic", "advising", "car_dealership", "restaurants"])
def test_defog_questions_give_postgresqls_answers(name: str) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        outcomes = replay.run_replay(
            connection, CORPORA / "defog-sql-eval" / f"{name}.replay.jsonl.gz"
        )
    # A refusal is allowed, a different answer is not.
    assert [outcome for outcome in outcomes if outcome.verdict in ("differ", "accept")] == []


PG_REGRESS = CORPORA / "pg-regress"
# Files that run in a few seconds and stand on nothing that is unsupported: share of statements that must agree.
SAMPLE = {
    "boolean": 0.95, "delete": 1.0, "errors": 0.75, "int2": 1.0, "int4": 1.0, "select_having": 1.0,
    "select_implicit": 1.0, "sequence": 0.55, "varchar": 0.95,
}  # fmt: skip


@pytest.fixture(scope="module")
def regress_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("regress") / "base.db"
    replay.run_base(path, PG_REGRESS / "replay" / "test_setup.jsonl", data=str(PG_REGRESS))
    return path


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_a_sample_of_postgresqls_regression_files_agrees(name: str, regress_base: Path) -> None:
    script = PG_REGRESS / "replay" / f"{name}.jsonl.gz"
    counts = replay.score(replay.run_on_copy(regress_base, script, data=str(PG_REGRESS)))
    assert counts["internal"] == 0
    assert counts["agree"] / counts.total() >= SAMPLE[name]


@pytest.mark.release
def test_postgresqls_regression_files_agree_as_far_as_promised(regress_base: Path) -> None:
    outcomes = []
    for script in sorted((PG_REGRESS / "replay").glob("*.jsonl.gz")):
        outcomes += replay.run_on_copy(regress_base, script, data=str(PG_REGRESS))
    whole = replay.score(outcomes)
    core = replay.score([each for each in outcomes if each.is_core])
    print(f"all {whole['agree'] / whole.total():.2%} {dict(whole)}")
    print(f"core {core['agree'] / core.total():.2%} {dict(core)}")
    assert whole["agree"] / whole.total() >= 0.70
    assert core["agree"] / core.total() >= 0.80
