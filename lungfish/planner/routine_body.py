"""The bodies of routines in SQL: their statements, and how the rows of the last one become the result.

A body is bound like any text of statements, with one thing more in sight: the routine's parameters, as `$n` or by name where
no column has it (`RoutineFrame`). PostgreSQL: functions.c, check_sql_fn_retval.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lungfish import errors
from lungfish.catalog.objects import SqlFunction
from lungfish.planner.bind_state import BindState
from lungfish.planner.coerce import coerce_with
from lungfish.planner.expressions import BoundExpression, CastTo, ColumnRef, OutputColumn
from lungfish.planner.logical import LogicalOutput, LogicalStatement
from lungfish.planner.routine_frame import frame_of_types
from lungfish.planner.scope import Scope
from lungfish.sql import parse
from lungfish.sql.ast import Statement, dml
from lungfish.sql.ast.expressions import Expression, FieldAccess, Star
from lungfish.sql.ast.queries import Query, Select
from lungfish.types.coercion import CastContext, can_coerce, is_same_type
from lungfish.types.frozen import frozen
from lungfish.types.sql_type import SqlType, TypeKind

PLANNED = (Query, dml.Insert, dml.Update, dml.Delete, dml.Merge)


@frozen
class ResultShape:
    """How a row of the last statement becomes a value of the routine's result.

    `kind`: nothing, value (the only column), or row (all columns). `casts` make the columns what the result asks for; None: as it is.
    """

    kind: str
    casts: tuple[BoundExpression | None, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether no value needs a cast."""
        return all(cast is None for cast in self.casts)


@lru_cache(maxsize=512)
def body_statements(body: str) -> tuple[Statement, ...]:
    """The statements of a body. Raises SyntaxError and its kin, without a place: it would be one in the body."""
    try:
        return tuple(piece.statement for piece in parse(body))
    except errors.Error as error:
        error.position = None
        raise


@lru_cache(maxsize=512)
def plain_expression(body: str) -> Expression | None:
    """The one expression that the body is (`SELECT expression`, nothing else); None for any other body."""
    try:
        statements = body_statements(body)
    except errors.Error:
        return None
    if len(statements) != 1 or not isinstance(statements[0], Query):
        return None
    query = statements[0]
    select = query.body
    if query != Query(select, position=query.position) or not isinstance(select, Select):
        return None
    if len(select.items) != 1 or select != Select(select.items, position=select.position):
        return None
    expression = select.items[0].expression
    is_several = isinstance(expression, Star) or (
        isinstance(expression, FieldAccess) and expression.field == "*"
    )
    return None if is_several else expression


def described_row(routine: SqlFunction, types: tuple[SqlType, ...], state: BindState) -> SqlType:
    """The rows of a routine that is declared to return just any: what its last statement gives."""
    statements = body_statements(routine.body)
    any_row = SqlType(TypeKind.RECORD)
    if not statements or routine.oid in state.active_routines:
        return any_row
    inner = BindState(
        state.catalog,
        search_path=routine.search_path if routine.is_standard else state.search_path,
        parameter_types=types,
        seams=state.seams,
    )
    inner.routine = frame_of_types(routine.name, routine.parameter_names, types)
    inner.active_routines = (*state.active_routines, routine.oid)
    inner.root = root = Scope(inner, None)
    last = statements[-1]
    try:
        if isinstance(last, Query):
            columns = inner.bind_query(last, root).columns
        elif isinstance(last, PLANNED):
            columns = inner.bind_modification(last, root).columns
        else:
            return any_row
    except errors.Error as error:
        error.position = None
        raise
    if len(columns) == 1 and columns[0].type.kind is TypeKind.RECORD:
        return columns[0].type
    return SqlType(
        TypeKind.RECORD,
        labels=tuple(column.name for column in columns),
        fields=tuple(column.type for column in columns),
    )


def result_columns(bound: LogicalStatement) -> tuple[OutputColumn, ...] | None:
    """The columns of a bound statement; None if it answers no rows."""
    root = bound.root
    assert isinstance(root, LogicalOutput)
    if bound.tag != "SELECT" and not root.columns:
        return None
    return tuple(OutputColumn(column.name, column.type) for column in root.columns)


def shape_of(
    routine: SqlFunction,
    result: SqlType,
    columns: Sequence[OutputColumn] | None,
    state: BindState,
) -> ResultShape:
    """How the columns of the last statement (None: it answers none) make the result. Raises InvalidFunctionDefinition."""
    if result.kind is TypeKind.VOID:
        return ResultShape("nothing")
    if columns is None:
        raise _mismatch(
            routine,
            result,
            "Function's final statement must be SELECT or INSERT/UPDATE/DELETE/MERGE RETURNING.",
        )
    refs = [ColumnRef(at, column.type, column.name) for at, column in enumerate(columns)]
    if result.kind is not TypeKind.RECORD or result.domain is not None:
        return _value_shape(routine, result, refs, state)
    if len(refs) == 1 and routine.kind != "procedure" and _is_row(refs[0].type, result):
        _check_same_fields(refs[0].type, result)
        return ResultShape("value", (_cast(refs[0], result, state),))
    if not result.fields:
        return ResultShape("row", (None,) * len(refs))
    return _row_shape(routine, result, refs, state)


def _is_row(given: SqlType, wanted: SqlType) -> bool:
    """Whether the only column is the whole row that is wanted."""
    if given.kind is not TypeKind.RECORD:
        return False
    return not wanted.fields or can_coerce(given, wanted, CastContext.ASSIGNMENT)


def _check_same_fields(given: SqlType, wanted: SqlType) -> None:
    """Raise DatatypeMismatch where the fields of an anonymous row are not just those that are asked for."""
    if wanted.name is not None or not wanted.fields:
        return
    for number, (one, other) in enumerate(zip(given.fields, wanted.fields, strict=True), 1):
        if not is_same_type(one, other):
            raise errors.DatatypeMismatch(
                "function return row and query-specified return row do not match",
                detail=f"Returned type {one.unmodified} at ordinal position {number},"
                f" but query expects {other.unmodified}.",
            )


def _value_shape(
    routine: SqlFunction, result: SqlType, refs: Sequence[ColumnRef], state: BindState
) -> ResultShape:
    if len(refs) != 1:
        raise _mismatch(routine, result, "Final statement must return exactly one column.")
    if not can_coerce(refs[0].type, result, CastContext.ASSIGNMENT):
        raise _mismatch(routine, result, f"Actual return type is {refs[0].type.unmodified}.")
    return ResultShape("value", (_cast(refs[0], result, state),))


def _row_shape(
    routine: SqlFunction, result: SqlType, refs: Sequence[ColumnRef], state: BindState
) -> ResultShape:
    if len(refs) > len(result.fields):
        raise _mismatch(routine, result, "Final statement returns too many columns.")
    casts: list[BoundExpression | None] = []
    for number, (ref, wanted) in enumerate(zip(refs, result.fields, strict=False), 1):
        if not can_coerce(ref.type, wanted, CastContext.ASSIGNMENT):
            raise _mismatch(
                routine,
                result,
                f"Final statement returns {ref.type.unmodified} instead of {wanted.unmodified}"
                f" at column {number}.",
            )
        casts.append(_cast(ref, wanted, state))
    if len(refs) < len(result.fields):
        raise _mismatch(routine, result, "Final statement returns too few columns.")
    return ResultShape("row", tuple(casts))


def _cast(ref: ColumnRef, wanted: SqlType, state: BindState) -> BoundExpression | None:
    if not wanted.fields and wanted.kind is TypeKind.RECORD:
        return None
    if ref.type.kind is TypeKind.RECORD and not ref.type.oid and wanted.domain is None:
        # What the body made as ROW(...) is a column by now.
        return CastTo(ref, wanted, False, -1)
    made = coerce_with(ref, wanted, CastContext.ASSIGNMENT, state, -1)
    return None if made is ref else made


def _mismatch(routine: SqlFunction, result: SqlType, detail: str) -> errors.Error:
    shown = "record" if result.kind is TypeKind.RECORD and result.name is None else result
    return errors.InvalidFunctionDefinition(
        f"return type mismatch in {routine.kind} declared to return {shown}", detail=detail
    )
