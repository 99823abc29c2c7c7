"""The project's own SQL tests, tests/scripts: plainly, and each statement followed by a restart or a crash, and in a killed process.

With --release the last three run every file; else a sample, which the file's name draws.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from lungfish.script.suite import SuiteOptions, find_scripts, run_script_file

SCRIPTS = Path(__file__).parents[1] / "scripts"
FILES = find_scripts([str(SCRIPTS)])
# Of so many files one is run in each of the slower ways, but with --release.
SHARE = 3
WAYS = {
    "restart": SuiteOptions(force="restart"),
    "crash": SuiteOptions(force="crash"),
    "isolated": SuiteOptions(is_isolated=True),
}


def name_of(path: Path) -> str:
    return path.relative_to(SCRIPTS).as_posix()


def told(path: Path, options: SuiteOptions) -> list[str]:
    return [str(failure) for failure in run_script_file(path, options).failures]


def in_sample(path: Path, way: str) -> bool:
    return (zlib.crc32(name_of(path).encode()) + list(WAYS).index(way)) % SHARE == 0


def cases() -> list[object]:
    return [
        pytest.param(
            path,
            way,
            marks=() if in_sample(path, way) else pytest.mark.release,
            id=f"{name_of(path)} {way}",
        )
        for path in FILES
        for way in WAYS
    ]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_script_gives_what_it_expects(path: Path) -> None:
    assert told(path, SuiteOptions()) == []


@pytest.mark.parametrize(("path", "way"), cases())
def test_a_script_gives_the_same_however_often_the_database_ends(path: Path, way: str) -> None:
    assert told(path, WAYS[way]) == []


def test_there_are_scripts_of_every_kind() -> None:
    assert len(FILES) >= 60
    folders = {name_of(path).split("/")[0] for path in FILES}
    assert folders == {
        "ddl",
        "dml",
        "faults",
        "functions",
        "queries",
        "recovery",
        "transactions",
        "types",
    }
