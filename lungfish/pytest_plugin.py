"""pytest's fixtures for programs that use Lungfish: a database of its own for each test, made by a fork in milliseconds.

    lungfish_schema     (session) what the databases of a test run begin with; yours to override
    lungfish_template   (session) the database that all others are forks of
    lungfish_fork       makes databases: each call a new fork of the template, or of the database that it is given
    lungfish_db         one of them
    lungfish_session    a connection to it, in autocommit

pytest loads this module in every run of every project that has Lungfish installed, so nothing heavy is imported before a fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lungfish

if TYPE_CHECKING:
    # SQL, the path of a script, or a function that is given a connection in autocommit.
    Schema = str | Path | Callable[[lungfish.Connection], object] | None
    Fork = Callable[..., lungfish.Database]


@pytest.fixture(scope="session")
def lungfish_schema() -> Schema:
    """What every database begins with: SQL, the path of a script, or a function of a connection. Override it in your conftest.py."""
    return None


@pytest.fixture(scope="session")
def lungfish_template(lungfish_schema: Schema) -> Iterator[lungfish.Database]:
    """The database that all others are forks of."""
    with lungfish.open(":memory:") as database:
        with database.connect(autocommit=True) as connection:
            if isinstance(lungfish_schema, str | Path):
                connection.run_script(lungfish_schema)
            elif lungfish_schema is not None:
                lungfish_schema(connection)
        yield database


@pytest.fixture
def lungfish_fork(lungfish_template: lungfish.Database) -> Iterator[Fork]:
    """Makes databases for the test, which end with it."""
    # Put off: see above.
    from lungfish.testing import crashable_fork

    made: list[lungfish.Database] = []

    def fork(of: lungfish.Database | None = None) -> lungfish.Database:
        made.append(crashable_fork(lungfish_template if of is None else of))
        return made[-1]

    yield fork
    for database in made:
        database.close()


@pytest.fixture
def lungfish_db(lungfish_fork: Fork) -> lungfish.Database:
    """A database of the test's own."""
    return lungfish_fork()


@pytest.fixture
def lungfish_session(lungfish_db: lungfish.Database) -> Iterator[lungfish.Connection]:
    """A connection to `lungfish_db`, in autocommit."""
    with lungfish_db.connect(autocommit=True) as connection:
        yield connection
