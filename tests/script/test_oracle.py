"""`--oracle postgres`: the scripts that need nothing of Lungfish's own, on a real PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lungfish.script.oracle import Oracle, OracleUnavailable
from lungfish.script.suite import SuiteOptions, find_scripts

SCRIPTS = Path(__file__).parents[1] / "scripts"
FILES = find_scripts([str(SCRIPTS)])


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    try:
        found = Oracle()
    except OracleUnavailable as reason:
        pytest.skip(str(reason))
    yield found
    found.close()


def test_all_scripts_agree_with_postgresql(oracle: Oracle) -> None:
    skipped = 0
    for path in FILES:
        report = oracle.compare(path, SuiteOptions())
        skipped += bool(report.skipped)
        assert [str(failure) for failure in report.failures] == []
    # The rest needs crashes, faults or orders.
    assert skipped < len(FILES) / 2


def test_a_difference_is_told(oracle: Oracle, tmp_path: Path) -> None:
    script = tmp_path / "s.sql"
    script.write_text("SELECT version() LIKE 'PostgreSQL 18.%on%';\nSELECT 1;\n--| 2\n")
    report = oracle.compare(script, SuiteOptions())
    told = [str(failure) for failure in report.failures]
    assert [text.count("(PostgreSQL)") for text in told].count(1) == 1
    assert [text.count("(Lungfish)") for text in told].count(1) == 1
