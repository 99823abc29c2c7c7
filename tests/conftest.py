"""Options and marks that all tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import lungfish
from tests.differential.server import ServerUnavailable, own_database, start_server
from tests.differential.sides import PostgresSide

CORPORA = Path(__file__).resolve().parent.parent.parent / "shared" / "corpora"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--release", action="store_true", help="run the long matrices too")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if "release" in item.keywords and not config.getoption("--release"):
            item.add_marker(pytest.mark.skip(reason="only with --release"))
        if "corpus" in item.keywords and not CORPORA.is_dir():
            item.add_marker(
                pytest.mark.skip(reason="the shared corpora are not beside the project")
            )
    # The long ones first, otherwise in their random order: what is left at the end is short, so that all workers end together.
    items.sort(key=lambda item: "slow" not in item.keywords)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the shared corpora."""
    return CORPORA


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The connection string of a PostgreSQL 18. Tests share the server: they ask for `postgres_database` or `postgres` to change anything."""
    try:
        with start_server() as uri:
            yield uri
    except ServerUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_database(server: str) -> Iterator[str]:
    """The connection string of a new database of PostgreSQL 18."""
    with own_database(server) as uri:
        yield uri


@pytest.fixture
def postgres(postgres_database: str) -> Iterator[PostgresSide]:
    """A session of a new database of PostgreSQL 18."""
    with closing(PostgresSide(postgres_database)) as side:
        yield side


@pytest.fixture
def connection() -> Iterator[Any]:
    """A connection in autocommit to a new database in memory."""
    with lungfish.connect(":memory:", autocommit=True) as made:
        yield made
