"""Functions and procedures written in SQL: what makes, changes, calls and drops them."""

from __future__ import annotations

from lungfish.sql.ast.expressions import Expression, FunctionCall, TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.types.frozen import frozen


@frozen
class FunctionParameter:
    """`name` None: it can only be called $n. `mode`: in, out, inout, variadic or table."""

    name: str | None
    type_name: TypeName
    mode: str = "in"
    default: Expression | None = None
    position: int = -1


@frozen
class RoutineSetting:
    """SET name = values of a routine; no values stand for DEFAULT, and for RESET (of all where `name` is "all")."""

    name: str
    values: tuple[str, ...]
    # SET name FROM CURRENT.
    is_current: bool = False


@frozen
class CreateFunction:
    """A function or procedure in SQL: `body` is the text of its statements."""

    name: ObjectName
    parameters: tuple[FunctionParameter, ...]
    # None where the output parameters say it; SETOF is in its `is_setof`.
    result: TypeName | None
    body: str
    volatility: str = "volatile"
    is_strict: bool = False
    or_replace: bool = False
    position: int = -1
    is_procedure: bool = False
    # Whether the body is RETURN or BEGIN ATOMIC.
    is_standard: bool = False
    settings: tuple[RoutineSetting, ...] = ()
    # (name, value) of what changes no result; see `catalog.objects.SqlFunction`.
    options: tuple[tuple[str, str], ...] = ()


@frozen
class AggregateOption:
    """`name = value` of CREATE AGGREGATE: the value as a name, where it may be one, and as text; no value means true."""

    name: str
    type_name: TypeName | None
    text: str | None
    position: int = -1


@frozen
class CreateAggregate:
    """`parameters` None: the old form, whose options have the type of the one argument."""

    name: ObjectName
    parameters: tuple[FunctionParameter, ...] | None
    options: tuple[AggregateOption, ...]
    or_replace: bool = False
    position: int = -1


@frozen
class RoutineReference:
    """A routine by its name. `parameters` None: the only one of that name. `kind`: function, procedure, routine or aggregate."""

    name: ObjectName
    parameters: tuple[TypeName, ...] | None
    kind: str = "function"


@frozen
class DropFunction:
    """DROP FUNCTION, PROCEDURE or ROUTINE."""

    targets: tuple[RoutineReference, ...]
    if_exists: bool = False
    is_cascade: bool = False
    position: int = -1
    kind: str = "function"


@frozen
class AlterFunction:
    """ALTER FUNCTION with other properties; None: as it is."""

    target: RoutineReference
    volatility: str | None = None
    is_strict: bool | None = None
    settings: tuple[RoutineSetting, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    position: int = -1


@frozen
class MoveFunction:
    """ALTER FUNCTION ... RENAME TO or SET SCHEMA: one of the two is given."""

    target: RoutineReference
    new_name: str | None = None
    new_schema: str | None = None
    position: int = -1


@frozen
class CommentFunction:
    """COMMENT ON FUNCTION, PROCEDURE or ROUTINE."""

    target: RoutineReference
    text: str | None
    position: int = -1


@frozen
class Call:
    """CALL of a procedure."""

    call: FunctionCall
    position: int = -1
