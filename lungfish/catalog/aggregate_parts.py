"""What CREATE AGGREGATE adds to a routine's name and parameters."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class SupportFunction:
    """A function that an aggregate calls: one of a user's by its oid, else a built-in one by its name."""

    name: str
    oid: int = 0


@dataclass(frozen=True, slots=True)
class AggregateParts:
    """What CREATE AGGREGATE says beside the parameters: how a state takes in a row, and what the last state becomes."""

    transition: SupportFunction
    state: SqlType
    # None: the result is the state.
    final: SupportFunction | None = None
    # Whether the final function is also given a NULL for each parameter, for their types' sake.
    has_extra: bool = False
    # The text of the first state; None is NULL.
    initial: str | None = None
    # What was declared and changes no result, as (name, value): combinefunc, parallel, sspace, finalfunc_modify.
    options: tuple[tuple[str, str], ...] = ()
