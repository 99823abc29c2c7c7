"""What CREATE OPERATOR and CREATE CAST make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungfish.catalog.aggregate_parts import SupportFunction
from lungfish.types.sql_type import SqlType
from lungfish.types.type_oids import type_oid

if TYPE_CHECKING:
    from lungfish.catalog.objects import Oid


@dataclass(frozen=True, slots=True)
class OperatorName:
    """Another operator as a declaration names it: it may come later, or never. `schema` None: that of the declared one."""

    name: str
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class UserOperator:
    """An operator over a function; a prefix operator has no `left`."""

    oid: Oid
    name: str
    namespace_oid: Oid
    left: SqlType | None
    right: SqlType
    result: SqlType
    function: SupportFunction
    commutator: OperatorName | None = None
    negator: OperatorName | None = None
    # The estimators that were named, HASHES and MERGES: for pg_operator, as they change no result.
    restrict: str | None = None
    join: str | None = None
    can_hash: bool = False
    can_merge: bool = False
    comment: str | None = None

    @property
    def kind(self) -> str:
        """What it is called in messages."""
        return "operator"

    @property
    def signature(self) -> str:
        """What tells it from others, as messages show it."""
        left = "none" if self.left is None else str(self.left)
        return f"{self.name}({left},{self.right})"

    @property
    def operands(self) -> tuple[SqlType, ...]:
        """The types of its operands."""
        return (self.right,) if self.left is None else (self.left, self.right)


@dataclass(frozen=True, slots=True)
class UserCast:
    """A cast from one type to another. It has no name, and is in no schema but the system's.

    `context`: "explicit", "assignment" or "implicit"; `method`: "function", "inout" (by way of the text) or "binary" (as it stands).
    """

    oid: Oid
    name: str
    namespace_oid: Oid
    source: SqlType
    target: SqlType
    context: str
    method: str
    function: SupportFunction | None = None
    comment: str | None = None

    @property
    def kind(self) -> str:
        """What it is called in messages."""
        return "cast"

    @property
    def ends(self) -> tuple[int, int]:
        """The oids of the two types."""
        return type_oid(self.source), type_oid(self.target)
