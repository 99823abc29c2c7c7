"""How PostgreSQL does a cast, as far as it shows in what is written: by a function or not, and where an operator needs none."""

from __future__ import annotations

from lungfish.planner.deparse.nodes import Cast
from lungfish.types.sql_type import SqlType, TypeKind

_STRINGS = frozenset({TypeKind.TEXT, TypeKind.VARCHAR, TypeKind.CHAR})
_INTEGERS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
_FLOATS = frozenset({TypeKind.REAL, TypeKind.DOUBLE})
_TIMES = frozenset({TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ})
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_ARITHMETIC = frozenset({"+", "-", "*", "/"})
_JSON = frozenset({TypeKind.JSON, TypeKind.JSONB})
_BITS = frozenset({TypeKind.BIT, TypeKind.VARBIT})


def is_done_by_function(source: SqlType, target: SqlType) -> bool:
    """Whether a function converts the value, not a new label, text input and output or the check of a domain."""
    if target.domain is not None or source.domain is not None:
        return False
    a, b = source.kind, target.kind
    if b is TypeKind.ARRAY or TypeKind.RECORD in (a, b):
        return False
    if target.modifiers:
        return True
    if a in _STRINGS and b in _STRINGS:
        return a is TypeKind.CHAR and b is not a
    if a in _STRINGS or b in _STRINGS:
        return TypeKind.NAME in (a, b) or a is TypeKind.BOOLEAN
    if TypeKind.OID in (a, b):
        return TypeKind.BIGINT in (a, b) or TypeKind.SMALLINT in (a, b)
    if TypeKind.ENUM in (a, b) or {a, b} <= _JSON or {a, b} <= _BITS:
        return False
    return TypeKind.UNKNOWN not in (a, b)


def needs_no_cast(symbol: str, cast: Cast) -> bool:
    """Whether PostgreSQL has the operator for the operand's own type beside that of the cast."""
    kinds = {cast.source.kind, cast.type.kind}
    if cast.source.domain is not None:
        return False
    if symbol in _COMPARISONS:
        return kinds <= _INTEGERS or kinds <= _FLOATS or kinds <= _TIMES
    if symbol in _ARITHMETIC:
        return kinds <= _INTEGERS or kinds <= _FLOATS
    return False
