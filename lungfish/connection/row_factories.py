"""Row factories: how a result row is handed out. As in psycopg, a factory gets the cursor's description once a result
and answers the function that makes each row from a tuple of values.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from lungfish.errors import ProgrammingError

Made = TypeVar("Made")


class ColumnDescription(NamedTuple):
    """One column of `Cursor.description`, with PEP 249's seven fields."""

    name: str
    type_code: str
    display_size: int | None
    internal_size: int | None
    precision: int | None
    scale: int | None
    null_ok: bool | None


class Description(list[ColumnDescription]):
    """`Cursor.description`: the columns of a result.

    True even when empty: `SELECT FROM t` gives rows without columns, and programs ask `if cursor.description` to know whether rows came.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


RowMaker = Callable[[tuple[Any, ...]], Any]
RowFactory = Callable[[Sequence[ColumnDescription]], RowMaker]


def tuple_row(description: Sequence[ColumnDescription]) -> RowMaker:
    """Plain tuples: the default, and the fastest."""
    return tuple


def dict_row(description: Sequence[ColumnDescription]) -> RowMaker:
    """Dictionaries by column name; of columns with one name the last wins."""
    names = [column.name for column in description]
    return lambda values: dict(zip(names, values, strict=True))


def namedtuple_row(description: Sequence[ColumnDescription]) -> RowMaker:
    """Named tuples; a name that is no Python identifier becomes its position (`_0`)."""
    made = namedtuple("Row", [column.name for column in description], rename=True)  # type: ignore[misc]
    return lambda values: made._make(values)


def scalar_row(description: Sequence[ColumnDescription]) -> RowMaker:
    """The first column alone. Raises ProgrammingError for a result without columns."""
    if len(description) == 0:
        raise ProgrammingError("a result without columns has no first one")
    return lambda values: values[0]


def class_row(made: type[Made]) -> RowFactory:
    """Instances of a class, called with the columns as keyword arguments (a dataclass, say)."""

    def factory(description: Sequence[ColumnDescription]) -> RowMaker:
        names = [column.name for column in description]
        return lambda values: made(**dict(zip(names, values, strict=True)))

    return factory


def args_row(made: Callable[..., Any]) -> RowFactory:
    """The result of a function called with the columns as positional arguments."""
    return lambda description: lambda values: made(*values)


def kwargs_row(made: Callable[..., Any]) -> RowFactory:
    """The result of a function called with the columns as keyword arguments."""

    def factory(description: Sequence[ColumnDescription]) -> RowMaker:
        names = [column.name for column in description]
        return lambda values: made(**dict(zip(names, values, strict=True)))

    return factory
