"""CREATE, ALTER and COMMENT ON OPERATOR and CAST. DROP is in `built_ins.py`."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.sql.ast.expressions import TypeName
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.ast.rights import Role


@dataclass(frozen=True, slots=True)
class OperatorOption:
    """name = value: a type, a name in its parts, both at once (a word may be either), or neither."""

    name: str
    type_name: TypeName | None = None
    parts: tuple[str, ...] = ()
    position: int = -1


@dataclass(frozen=True, slots=True)
class CreateOperator:
    """CREATE OPERATOR."""

    name: ObjectName
    options: tuple[OperatorOption, ...]
    position: int = -1


@dataclass(frozen=True, slots=True)
class OperatorReference:
    """An operator as statements name it: with the types of its operands, None for NONE."""

    name: ObjectName
    types: tuple[TypeName | None, ...]


@dataclass(frozen=True, slots=True)
class AlterOperator:
    """OWNER TO, SET SCHEMA, or SET (name = value, ...)."""

    operator: OperatorReference
    owner: Role | None = None
    schema: str | None = None
    options: tuple[OperatorOption, ...] = ()
    position: int = -1


@dataclass(frozen=True, slots=True)
class CommentOperator:
    """COMMENT ON OPERATOR."""

    operator: OperatorReference
    text: str | None
    position: int = -1


@dataclass(frozen=True, slots=True)
class CreateCast:
    """CREATE CAST. `method`: "function", "inout" or "binary"; `context`: "explicit", "assignment" or "implicit"."""

    source: TypeName
    target: TypeName
    method: str
    context: str
    function: ObjectName | None = None
    # The types of its parameters; None where they are not written.
    parameters: tuple[TypeName, ...] | None = None
    position: int = -1


@dataclass(frozen=True, slots=True)
class CommentCast:
    """COMMENT ON CAST."""

    source: TypeName
    target: TypeName
    text: str | None
    position: int = -1
