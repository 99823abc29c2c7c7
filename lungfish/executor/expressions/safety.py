"""Whether an expression may be evaluated for rows that do not need it.

PostgreSQL evaluates a CASE branch, a later operand of COALESCE and (in practice) a later conjunct only for the rows that get
there, and people lean on it: `CASE WHEN x <> 0 THEN 1 / x END`. Over a whole batch it is faster not to pick rows out first, and
that is right as long as the evaluation can neither raise nor be noticed.
"""

from __future__ import annotations

from lungfish.functions.registry import Volatility
from lungfish.planner.expression_tree import children
from lungfish.planner.expressions import BoundExpression, Call, CastTo, DomainExpr, SubqueryExpr
from lungfish.types.sql_type import SqlType, TypeKind

_SAFE_OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "||"})
# Comparing these neither raises nor costs a Python call a row.
_SAFE_KINDS = frozenset(
    {
        TypeKind.BOOLEAN, TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT, TypeKind.OID, TypeKind.INTERNAL_CHAR,
        TypeKind.REAL, TypeKind.DOUBLE, TypeKind.NUMERIC, TypeKind.TEXT, TypeKind.VARCHAR,
        TypeKind.CHAR, TypeKind.NAME, TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP,
        TypeKind.TIMESTAMPTZ, TypeKind.UUID, TypeKind.BYTEA,
    }
)  # fmt: skip
_INTEGER_RANKS = {TypeKind.SMALLINT: 1, TypeKind.INTEGER: 2, TypeKind.BIGINT: 3}


def is_safe(expression: BoundExpression) -> bool:
    """Whether evaluating the expression for any row at all raises nothing and changes nothing."""
    match expression:
        case SubqueryExpr() | DomainExpr():
            return False
        case Call():
            function = expression.function
            if (
                function.volatility is not Volatility.IMMUTABLE
                or function.name not in _SAFE_OPERATORS
            ):
                return False
            if any(argument.type.kind not in _SAFE_KINDS for argument in expression.arguments):
                return False
        case CastTo():
            if not _is_safe_cast(expression.operand.type, expression.type):
                return False
        case _:
            pass
    return all(is_safe(child) for child in children(expression))


def _is_safe_cast(source: SqlType, target: SqlType) -> bool:
    if target.modifiers and target != source:
        return False
    if source.kind is target.kind or target.kind is TypeKind.TEXT:
        return source.kind in _SAFE_KINDS and target.kind in _SAFE_KINDS
    source_rank, target_rank = _INTEGER_RANKS.get(source.kind), _INTEGER_RANKS.get(target.kind)
    if source_rank is None:
        return False
    if target_rank is not None:
        return source_rank < target_rank
    return target.kind in (TypeKind.NUMERIC, TypeKind.DOUBLE)
