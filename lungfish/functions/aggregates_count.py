"""count(*), count(x), bool_and, bool_or, every, and any_value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lungfish.functions.group_state import GroupArray, GroupIds, count_groups, keep_valid
from lungfish.functions.registry import Aggregate, Polymorphic
from lungfish.types.batch import Vector
from lungfish.types.sql_type import BIGINT, BOOLEAN, SqlType
from lungfish.types.vectors import build_vector, to_values


class CountRows:
    """count(*)."""

    def __init__(self) -> None:
        self._counts = GroupArray(np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Count every row."""
        count_groups(self._counts, group_ids, group_count)

    def finish(self, group_count: int) -> Vector:
        """The counts; 0 for an empty group."""
        return pa.array(self._counts.final(group_count))


class CountValues:
    """count(x): the rows where x is not null."""

    def __init__(self) -> None:
        self._counts = GroupArray(np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Count the valid rows."""
        kept, _ = keep_valid(group_ids, arguments[0])
        count_groups(self._counts, kept, group_count)

    def finish(self, group_count: int) -> Vector:
        """The counts; 0 for an empty group."""
        return pa.array(self._counts.final(group_count))


class BooleanFold:
    """bool_and and bool_or."""

    def __init__(self, *, is_and: bool) -> None:
        self._is_and = is_and
        # Rows that decide the result: false for bool_and, true for bool_or.
        self._deciding = GroupArray(np.int64)
        self._counts = GroupArray(np.int64)

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Count the valid rows, and those that decide."""
        kept, mask = keep_valid(group_ids, arguments[0])
        count_groups(self._counts, kept, group_count)
        values = arguments[0].fill_null(False).to_numpy(zero_copy_only=False)
        if mask is not None:
            values = values[mask]
        count_groups(self._deciding, kept[values != self._is_and], group_count)

    def finish(self, group_count: int) -> Vector:
        """True or false; null for a group without values."""
        is_decided = self._deciding.final(group_count) > 0
        result = ~is_decided if self._is_and else is_decided
        return pa.array(result, mask=self._counts.final(group_count) == 0)


class AnyValue:
    """any_value: the first value that is not null."""

    def __init__(self, sql_type: SqlType) -> None:
        self._type = sql_type
        self._values: dict[int, Any] = {}

    def update(self, group_ids: GroupIds, group_count: int, arguments: Sequence[Vector]) -> None:
        """Take the first value of groups that have none yet."""
        kept, mask = keep_valid(group_ids, arguments[0])
        vector = arguments[0] if mask is None else arguments[0].filter(pa.array(mask))
        groups, places = np.unique(kept, return_index=True)
        first = to_values(vector.take(pa.array(places)), self._type)
        for group, value in zip(groups.tolist(), first, strict=True):
            self._values.setdefault(group, value)

    def finish(self, group_count: int) -> Vector:
        """One value a group."""
        return build_vector([self._values.get(group) for group in range(group_count)], self._type)


AGGREGATES: tuple[Aggregate, ...] = (
    Aggregate("count", (), BIGINT, lambda types, result: CountRows(), takes_star=True),
    Aggregate("count", (Polymorphic.ANY,), BIGINT, lambda types, result: CountValues()),
    Aggregate("bool_and", (BOOLEAN,), BOOLEAN, lambda types, result: BooleanFold(is_and=True)),
    Aggregate("every", (BOOLEAN,), BOOLEAN, lambda types, result: BooleanFold(is_and=True)),
    Aggregate("bool_or", (BOOLEAN,), BOOLEAN, lambda types, result: BooleanFold(is_and=False)),
    Aggregate(
        "any_value",
        (Polymorphic.ANYELEMENT,),
        Polymorphic.ANYELEMENT,
        lambda types, result: AnyValue(types[0]),
        is_order_sensitive=True,
    ),
)
