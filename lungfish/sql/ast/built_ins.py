"""DROP of what only the database system has: operators, casts, languages, access methods and their kin."""

from __future__ import annotations

from lungfish.sql.ast.expressions import TypeName
from lungfish.types.frozen import frozen


@frozen
class BuiltInName:
    """How one is named. An operator has the types of its operands (None: NONE), a cast its two; a class or family its access method."""

    name: str = ""
    schema: str | None = None
    types: tuple[TypeName | None, ...] = ()
    method: str | None = None


@frozen
class DropBuiltIn:
    """`kind` is the word of messages: operator, cast, language, collation, operator class, ..."""

    kind: str
    objects: tuple[BuiltInName, ...]
    if_exists: bool = False
    is_cascade: bool = False
    position: int = -1
