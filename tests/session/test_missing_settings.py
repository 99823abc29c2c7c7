"""Settings of PostgreSQL that are not there are refused by name, those of nobody are unknown."""

from __future__ import annotations

from typing import Any

import pytest

from lungfish import errors
from lungfish.session.missing_settings import MISSING_SETTINGS
from lungfish.session.settings import SETTINGS


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW shared_buffers",
        "SET Autovacuum = off",
        "SELECT current_setting('max_connections')",
        "SELECT current_setting('max_connections', true)",
        "SELECT set_config('wal_level', 'minimal', false)",
        "RESET block_size",
    ],
)
def test_what_only_postgresql_has_is_refused(connection: Any, sql: str) -> None:
    with pytest.raises(errors.FeatureNotSupported, match=r'^setting "\w+" is not supported'):
        connection.execute(sql)


def test_a_slip_is_no_setting(connection: Any) -> None:
    with pytest.raises(errors.UndefinedObject, match='parameter "shared_bufers"'):
        connection.execute("SHOW shared_bufers")
    assert connection.execute("SELECT current_setting('no_such', true)").fetchval() is None


@pytest.mark.parametrize("name", ["restrict_nonsystem_relation_kind", "transform_null_equals"])
def test_what_would_change_answers_is_not_taken_and_forgotten(connection: Any, name: str) -> None:
    value = "view" if name.startswith("restrict") else "on"
    with pytest.raises(errors.FeatureNotSupported, match=f'^{name} cannot be set to "{value}"'):
        connection.execute(f"SET {name} TO '{value}'")


def test_nothing_is_both_there_and_missing() -> None:
    assert MISSING_SETTINGS.isdisjoint(SETTINGS)
