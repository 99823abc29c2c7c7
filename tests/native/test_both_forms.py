"""The compiled modules and the Python code that they stand for say the same, and are of one age."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lungfish.native import IS_WANTED, compiled_module

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "lungfish").rglob("*.pyx"))

pytestmark = pytest.mark.skipif(
    not IS_WANTED or compiled_module("lungfish.storage.native_rows") is None,
    reason="the compiled modules are not built here, or LUNGFISH_PLAIN is set",
)


def answers(program: str, seed: int, count: int, *, is_plain: bool) -> list[str]:
    """What a workload says in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("LUNGFISH_PLAIN", None)
    if is_plain:
        environment["LUNGFISH_PLAIN"] = "1"
    done = subprocess.run(
        [sys.executable, "-m", f"tests.native.{program}", str(seed), str(count)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 1000), (2, 1000), *(pytest.param(seed, 10_000, marks=pytest.mark.release) for seed in range(3, 40))],
)  # fmt: skip
def test_a_workload_has_the_same_answers_in_both_forms(seed: int, count: int) -> None:
    require_same_answers("workload", seed, count)


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 300), (2, 300), *(pytest.param(seed, 3000, marks=pytest.mark.release) for seed in range(3, 40))],
)  # fmt: skip
def test_executemany_has_the_same_answers_in_both_forms(seed: int, count: int) -> None:
    require_same_answers("bulk_workload", seed, count)


def require_same_answers(program: str, seed: int, count: int) -> None:
    compiled = answers(program, seed, count, is_plain=False)
    plain = answers(program, seed, count, is_plain=True)
    assert len(compiled) == count + 1
    for number, (one, other) in enumerate(zip(compiled, plain, strict=True)):
        assert one == other, f"step {number}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_compiled_module_is_not_older_than_its_source(source: Path) -> None:
    name = ".".join(source.relative_to(ROOT).with_suffix("").parts)
    module = compiled_module(name)
    assert module is not None, f"{name} is not built: pip install --editable '.[fast,test]'"
    assert module.__file__ is not None
    built = Path(module.__file__)
    assert built.stat().st_mtime >= source.stat().st_mtime, (
        f"{name} is older than its source: python setup.py build_ext --inplace"
    )
