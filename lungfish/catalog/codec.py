"""Catalog objects as JSON text: what the catalog's heap keeps of them.

Every dataclass is written as `{"is": class name, field: value, ...}`; fields equal to their default are left out, so a newer
version may add fields with defaults and still read older databases. Tuples are lists; a frozenset is `{"is": "set", ...}`.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from lungfish.catalog.aggregate_parts import AggregateParts, SupportFunction
from lungfish.catalog.objects import (
    Column,
    Constraint,
    ExtendedStatistics,
    Index,
    IndexColumn,
    Namespace,
    RoutineParameter,
    Rule,
    Sequence,
    SqlFunction,
    Table,
    UserType,
    View,
)
from lungfish.catalog.operator_objects import OperatorName, UserCast, UserOperator
from lungfish.catalog.partition_parts import (
    PartitionBound,
    PartitionKey,
    PartitionKeyColumn,
    RangeDatum,
)
from lungfish.catalog.roles import AccessItem, DefaultRights, Membership, ObjectRights, Role
from lungfish.errors import CorruptDatabase
from lungfish.types.sql_type import SqlType, TypeKind

_CLASSES: dict[str, type[Any]] = {
    item.__name__: item
    for item in (
        AccessItem, AggregateParts, Column, Constraint, DefaultRights, ExtendedStatistics, Index, IndexColumn, Membership,
        Namespace, ObjectRights, PartitionBound, PartitionKey, PartitionKeyColumn, RangeDatum, Role, RoutineParameter, Rule, Sequence, SqlFunction, SqlType, SupportFunction, Table, UserType, View,
        OperatorName, UserCast, UserOperator,
    )
}  # fmt: skip


def encode_object(item: object) -> str:
    """The JSON text of a catalog object."""
    return json.dumps(_to_json(item), separators=(",", ":"), ensure_ascii=False)


def decode_object(text: str) -> Any:
    """The object that `encode_object` wrote. Raises CorruptDatabase if the text is none."""
    try:
        return _from_json(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptDatabase(f"a catalog row cannot be read: {text[:80]!r}") from error


def _to_json(value: object) -> object:
    if isinstance(value, TypeKind):
        return {"is": "kind", "of": value.name}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        written: dict[str, object] = {"is": type(value).__name__}
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if field.default is dataclasses.MISSING or item != field.default:
                written[field.name] = _to_json(item)
        return written
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, frozenset):
        return {"is": "set", "of": sorted(value)}
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    if isinstance(value, dict):
        name = value["is"]
        if name == "kind":
            return TypeKind[value["of"]]
        if name == "set":
            return frozenset(value["of"])
        fields = {key: _from_json(item) for key, item in value.items() if key != "is"}
        return _CLASSES[name](**fields)
    return value
