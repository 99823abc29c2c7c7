"""No value is longer than PostgreSQL lets one be: aggregates that gather say so before memory is gone."""

from __future__ import annotations

import pytest

import lungfish
from lungfish.functions import value_size
from lungfish.functions.value_size import GroupSizes


def test_groups_may_grow_until_one_of_them_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_size, "VALUE_BYTES_MAX", 10)
    sizes = GroupSizes()
    groups = {number: ["abc", b"def"] for number in range(5)}
    sizes.add(30, groups)
    groups[3] += ["xxxx"]
    sizes.add(4, groups)
    groups[3].append(("y", None))
    with pytest.raises(lungfish.errors.ProgramLimitExceeded) as raised:
        sizes.add(11, groups)
    assert raised.value.sqlstate == "54000"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("string_agg(s, ',')", "string buffer exceeds maximum allowed length (700 bytes)"),
        ("json_agg(s)", "string buffer exceeds maximum allowed length (700 bytes)"),
        ("json_object_agg(s, s)", "string buffer exceeds maximum allowed length (700 bytes)"),
        ("array_agg(s)", "array size exceeds the maximum allowed (700)"),
    ],
)
def test_gathering_aggregates_end_with_the_message_of_postgresql(
    monkeypatch: pytest.MonkeyPatch, call: str, message: str
) -> None:
    monkeypatch.setattr(value_size, "VALUE_BYTES_MAX", 700)
    with lungfish.connect(":memory:", autocommit=True) as connection:
        rows = "(SELECT i, repeat('x', 50) || i AS s FROM generate_series(1, 40) g(i)) t"
        assert len(connection.execute(f"SELECT {call} FROM {rows} GROUP BY i % 8").fetchall()) == 8
        with pytest.raises(lungfish.errors.ProgramLimitExceeded) as raised:
            connection.execute(f"SELECT {call} FROM {rows}")
    assert raised.value.args[0].splitlines()[0].endswith(message)
