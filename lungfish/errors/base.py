"""One exception class a cause, each with its SQLSTATE; the root is DB-API's `Error` (PEP 249).

An error says what was found, where in the SQL, and, where there is one, what to do about it:

    UndefinedColumn('column "prise" does not exist', position=7, hint='Perhaps you meant "price".')

`position` is a 0-based character offset into the statement's text. The session attaches the text itself
(`with_statement`), so that code deep in the planner only has to know the offset. The SQLSTATEs and the names of the
classes are PostgreSQL's (its appendix A), as psycopg spells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """The fields of an error report, named as PostgreSQL's protocol and psycopg name them."""

    severity: str
    sqlstate: str
    message_primary: str
    message_detail: str | None
    message_hint: str | None
    # 1-based, as PostgreSQL counts; None when the error belongs to no place in the text.
    statement_position: int | None
    schema_name: str | None
    table_name: str | None
    column_name: str | None
    constraint_name: str | None


class Warning(Exception):  # noqa: A001 - PEP 249 fixes the name.
    """PEP 249's class for important warnings."""


class Error(Exception):
    """The root of all errors that Lungfish raises on purpose."""

    sqlstate: ClassVar[str] = "XX000"

    def __init__(
        self,
        message: str,
        *,
        position: int | None = None,
        detail: str | None = None,
        hint: str | None = None,
        schema: str | None = None,
        table: str | None = None,
        column: str | None = None,
        constraint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.detail = detail
        self.hint = hint
        self.schema = schema
        self.table = table
        self.column = column
        self.constraint = constraint
        self.sql: str | None = None
        # The part of the statement's text in which `position` counts; None for the whole of it.
        self.part: str | None = None

    def with_statement(self, sql: str) -> Error:
        """Attach the statement's text, once: an inner statement's text is not replaced by an outer one's."""
        if self.sql is None:
            self.sql = sql
            if self.part is not None:
                self._place_in(sql)
        return self

    def in_part(self, part: str, offset: int) -> Error:
        """The place was counted from that many characters before `part`, a piece of the statement's text that was read alone."""
        if self.position is not None:
            self.position -= offset
            self.part = part
        return self

    def _place_in(self, sql: str) -> None:
        """Count the place from the statement's beginning; a piece that it has twice, or not as it was read, has no place."""
        assert self.part is not None, "asked of errors in a part"
        start = sql.find(self.part)
        if self.position is None or start < 0 or sql.find(self.part, start + 1) >= 0:
            self.position = None
        else:
            self.position += start
        self.part = None

    def at(self, position: int | None) -> Error:
        """Attach the place in the text, unless a deeper one is known already."""
        if self.position is None and position is not None and position >= 0:
            self.position = position
        return self

    @property
    def line_and_column(self) -> tuple[int, int] | None:
        """The 1-based line and column of `position`, when both it and the text are known."""
        if self.sql is None or self.position is None or self.position > len(self.sql):
            return None
        before = self.sql[: self.position]
        return before.count("\n") + 1, self.position - (before.rfind("\n") + 1) + 1

    @property
    def diag(self) -> Diagnostics:
        """The report as PostgreSQL's fields."""
        return Diagnostics(
            severity="ERROR",
            sqlstate=self.sqlstate,
            message_primary=self.message,
            message_detail=self.detail,
            message_hint=self.hint,
            statement_position=None if self.position is None else self.position + 1,
            schema_name=self.schema,
            table_name=self.table,
            column_name=self.column,
            constraint_name=self.constraint,
        )

    def caret(self) -> str | None:
        """The line of the statement with a caret under the place, as psql shows it; None without a place."""
        place = self.line_and_column
        if place is None or self.sql is None:
            return None
        line, column = place
        text = self.sql.split("\n")[line - 1]
        label = f"LINE {line}: "
        return f"{label}{text}\n{' ' * (len(label) + column - 1)}^"

    def __str__(self) -> str:
        parts = [self.message]
        caret = self.caret()
        if caret is not None:
            parts.append(caret)
        if self.detail:
            parts.append(f"DETAIL:  {self.detail}")
        if self.hint:
            parts.append(f"HINT:  {self.hint}")
        return "\n".join(parts)


class InterfaceError(Error):
    """The driver is used wrongly: a closed cursor, parameters that do not fit."""

    sqlstate = "08000"


class DatabaseError(Error):
    """The root of the errors that come from the database itself."""


class DataError(DatabaseError):
    """A value cannot be processed (class 22)."""

    sqlstate = "22000"


class OperationalError(DatabaseError):
    """The surroundings fail: disk, memory, locks, a damaged file."""

    sqlstate = "58000"


class IntegrityError(DatabaseError):
    """A constraint is broken (class 23)."""

    sqlstate = "23000"


class InternalError(DatabaseError):
    """Our own mistake, or a state that must not be."""

    sqlstate = "XX000"


# What Python raises where a program is wrong, or its memory is gone: `internal_error` makes errors of it.
OWN_MISTAKES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
)


class ProgrammingError(DatabaseError):
    """The statement is wrong (class 42 and neighbours)."""

    sqlstate = "42000"


class NotSupportedError(DatabaseError):
    """PostgreSQL has it, Lungfish does not."""

    sqlstate = "0A000"
