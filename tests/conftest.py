"""Options and marks that all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lungfish

CORPORA = Path(__file__).resolve().parent.parent.parent / "shared" / "corpora"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", action="store_true", help="run the long matrices too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "release" in item.keywords and not config.getoption("--release"):
            item.add_marker(pytest.mark.skip(reason="only with --release"))
        if "corpus" in item.keywords and not CORPORA.is_dir():
            item.add_marker(
                pytest.mark.skip(reason="the shared corpora are not beside the project")
            )


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the shared corpora."""
    return CORPORA


@pytest.fixture
def connection() -> Iterator[Any]:
    """A connection in autocommit to a new database in memory."""
    with lungfish.connect(":memory:", autocommit=True) as made:
        yield made
