"""Range types of users: they survive a restart, go into a dump and take what is made of them along."""

from __future__ import annotations

from pathlib import Path

import pytest

import lungfish
from lungfish import errors

_MADE = """
    CREATE SCHEMA s;
    CREATE TYPE s.floats AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = s.many);
    CREATE TABLE spans (span s.floats PRIMARY KEY, parts s.many);
    INSERT INTO spans VALUES ('[1,2]', '{[1,2],(3,4)}'), ('empty', '{}');
"""


def _rows(connection: lungfish.Connection, sql: str) -> list[tuple[str | None, ...]]:
    return connection.execute(sql).fetch_text()


def test_a_range_type_is_there_after_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "ranges.db")
    with lungfish.connect(path, autocommit=True) as connection:
        connection.execute(_MADE)
    with lungfish.connect(path, autocommit=True) as connection:
        found = _rows(connection, "SELECT span, parts FROM spans WHERE span = '[1,2]'")
        assert found == [("[1,2]", "{[1,2],(3,4)}")]
        assert _rows(connection, "SELECT s.many(s.floats(1, 2), s.floats(2, 3))") == [("{[1,3)}",)]
        with pytest.raises(errors.UniqueViolation):
            connection.execute("INSERT INTO spans VALUES ('[1,2]', NULL)")


def test_a_dropped_range_type_takes_its_multirange_type_along() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(_MADE)
        with pytest.raises(errors.DependentObjectsStillExist, match="requires it"):
            connection.execute("DROP TYPE s.many")
        with pytest.raises(errors.DependentObjectsStillExist):
            connection.execute("DROP TYPE s.floats")
        connection.execute("DROP TYPE s.floats CASCADE")
        assert _rows(connection, "SELECT * FROM spans") == [(), ()]
        for gone in ("s.floats", "s.many"):
            with pytest.raises(errors.UndefinedObject):
                connection.execute(f"SELECT NULL::{gone}")


def test_a_schema_takes_its_range_types_along() -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute(_MADE)
        connection.execute("DROP SCHEMA s CASCADE")
        assert _rows(
            connection, "SELECT count(*) FROM pg_type WHERE typtype IN ('r', 'm') AND oid > 16000"
        ) == [("0",)]


@pytest.mark.parametrize("option", ["canonical = f", "subtype = numrange_domain"])
def test_what_needs_a_function_in_c_is_refused(option: str) -> None:
    with lungfish.connect(":memory:", autocommit=True) as connection:
        connection.execute("CREATE DOMAIN numrange_domain AS numeric")
        subtype = "" if option.startswith("subtype") else "subtype = numeric, "
        with pytest.raises(errors.FeatureNotSupported):
            connection.execute(f"CREATE TYPE r AS RANGE ({subtype}{option})")
