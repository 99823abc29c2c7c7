"""What a function, operator, cast or aggregate is, and how one is found by name and argument types.

A function is registered once, with its signatures, in the visible tables of the modules beside this one
(`FUNCTIONS` in functions/__init__.py lists them). Each signature has a vector form, a scalar form, or both:

- scalar form: `scalar(*values) -> value` over internal values (see types/sql_type.py). With `is_strict` it is never
  called with None: the caller answers None itself.
- vector form: `vector(*arguments) -> Vector`, where an argument is a `pa.Array` of the batch's length or a
  `pa.Scalar` (a constant); it answers nulls itself, a null for every null argument where `is_strict`. If all
  arguments are scalars it may answer a `pa.Scalar`.

Where one form is missing it is derived: a scalar form runs the vector form on arrays of length one, a vector form maps the
scalar form. A property test holds both forms equal for every entry that has both.

Overload resolution follows PostgreSQL's rules (manual, "Type Conversion"): exact match, then implicit casts, unknown
literals last, preferred types break ties; polymorphic signatures (anyelement, anyarray, ...) unify their arguments.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lungfish.types.batch import Vector
from lungfish.types.sql_type import SqlType, TypeKind


class Volatility(enum.Enum):
    IMMUTABLE = "immutable"
    STABLE = "stable"
    VOLATILE = "volatile"


class Polymorphic(enum.Enum):
    """The pseudo-types that stand in a signature for any type."""

    ANY = "any"
    # Also a literal whose type nothing decides; it stays unknown.
    ANY_OR_UNKNOWN = "any or unknown"
    ANYELEMENT = "anyelement"
    ANYARRAY = "anyarray"
    ANYNONARRAY = "anynonarray"
    ANYENUM = "anyenum"
    ANYRANGE = "anyrange"
    ANYMULTIRANGE = "anymultirange"
    ANYCOMPATIBLE = "anycompatible"
    ANYCOMPATIBLEARRAY = "anycompatiblearray"
    ANYCOMPATIBLENONARRAY = "anycompatiblenonarray"
    ANYCOMPATIBLERANGE = "anycompatiblerange"
    ANYCOMPATIBLEMULTIRANGE = "anycompatiblemultirange"
    RECORD = "record"


ArgumentType = SqlType | Polymorphic
# A result type is fixed, polymorphic, or follows from the actual argument types.
ResultType = SqlType | Polymorphic | Callable[[Sequence[SqlType]], SqlType]
ScalarForm = Callable[..., Any]
VectorForm = Callable[..., Vector | pa.Scalar]

Callee = TypeVar("Callee")
OutputColumns = tuple[tuple[str, SqlType], ...]


def record_of(columns: OutputColumns) -> SqlType:
    """The type of a row with those columns."""
    return SqlType(
        TypeKind.RECORD,
        labels=tuple([name for name, _ in columns]),
        fields=tuple([kind for _, kind in columns]),
    )


@dataclass(frozen=True, slots=True)
class Function:
    """One signature of a function or operator (operators are registered under their symbol)."""

    name: str
    arguments: tuple[ArgumentType, ...]
    result: ResultType
    scalar: ScalarForm | None = None
    vector: VectorForm | None = None
    volatility: Volatility = Volatility.IMMUTABLE
    # A null argument gives null without a call.
    is_strict: bool = True
    # The last argument type may be repeated, also zero times less than once: f(text, VARIADIC any).
    is_variadic: bool = False
    # How many trailing arguments may be left out, with their default internal values.
    defaults: tuple[Any, ...] = ()
    # Yields rows instead of a value: the scalar form answers an iterable of values or tuples.
    returns_set: bool = False
    # Names and types of the columns of a set-returning function with several.
    output_columns: OutputColumns = ()
    # The scalar form's first argument is the statement's `FunctionContext` (clock, session, settings, sequences).
    needs_context: bool = False
    # The scalar form's first argument is the whole execution of the statement (`executor.context.ExecutionContext`), because it
    # runs statements of its own: a routine in SQL.
    needs_statement: bool = False
    # The forms also take the SqlTypes: keyword argument `types`, the actual argument types.
    needs_types: bool = False


class FunctionContext(Protocol):
    """What a function may ask of the statement that runs it; the executor implements it."""

    def statement_timestamp(self) -> int: ...
    def transaction_timestamp(self) -> int: ...
    def clock_timestamp(self) -> int: ...
    def sleep(self, seconds: float) -> None:
        """Wait, unless the statement is asked to stop, which raises QueryCanceled."""

    def random(self) -> float: ...
    def draw(self) -> float:
        """A number from 0 up to 1; from a seed, once `seed_draws` was called."""

    def draw_bits(self) -> int:
        """64 random bits, of the same generator."""

    def seed_draws(self, seed: float) -> None: ...
    def setting(self, name: str) -> str: ...
    def setting_or_none(self, name: str) -> str | None: ...
    def set_setting(self, name: str, value: str | None, is_local: bool) -> None: ...
    def next_value(self, sequence: str | int) -> int: ...
    def current_value(self, sequence: str | int) -> int: ...
    def set_value(self, sequence: str | int, value: int, is_called: bool) -> int: ...
    def last_value(self) -> int: ...
    def ask_catalog(self, name: str, arguments: Sequence[Any]) -> Any:
        """What a function about the catalog answers: see `functions/catalog_functions.py`."""

    def advisory_lock(
        self, keys: Sequence[int], *, is_shared: bool, is_session: bool, waits: bool
    ) -> bool:
        """Take a lock on one bigint or two integers; False if it is not to be had without waiting."""

    def advisory_unlock(self, keys: Sequence[int], *, is_shared: bool) -> bool: ...
    def advisory_unlock_all(self) -> None: ...
    def check_domain(self, value: Any, domain: SqlType) -> None:
        """Raise 23514 or 23502 if the value of the domain's base type is none of the domain's."""

    def ask_storage(self, name: str, arguments: Sequence[Any]) -> Any:
        """What a function about storage answers: see `functions/storage_functions.py`."""

    def cancel_session(self, number: int) -> bool:
        """Stop the statement of the session that pg_backend_pid() gives that number; False if there is none."""

    def cursor_row(self, cursor: str, table_oid: int) -> int | None:
        """The TupleId of the table's row on which an open cursor stands; None if it is a row of another table."""

    def call_routine(self, call: Any, arguments: Sequence[Any], statement: Any) -> Any:
        """What a routine in SQL answers: `call` is a planner.routine_calls.RoutineCall, `statement` the execution that calls it."""

    def session_fact(self, name: str) -> Any:
        """Facts by name: "current_user", "current_database", "current_schema", "search_path", "backend_pid",
        "transaction_id", "version", "catalog".
        """


class Accumulator(Protocol):
    """The running state of one aggregate over all groups of a grouping (one group when there is no GROUP BY).

    Groups are numbered from 0; a later batch may bring new ones, so `update` first grows to `group_count`.
    """

    def update(
        self, group_ids: npt.NDArray[np.int64], group_count: int, arguments: Sequence[Vector]
    ) -> None:
        """Take in one batch: row i belongs to group `group_ids[i]`. Nulls are the aggregate's own affair."""

    def finish(self, group_count: int) -> Vector:
        """The results of groups 0 to `group_count` - 1; called once."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One signature of an aggregate."""

    name: str
    arguments: tuple[ArgumentType, ...]
    result: ResultType
    # Called with the actual argument types and the result type.
    create: Callable[[Sequence[SqlType], SqlType], Accumulator]
    is_variadic: bool = False
    # count(*) and the ordered-set aggregates (percentile_cont ... WITHIN GROUP).
    takes_star: bool = False
    is_ordered_set: bool = False
    # Whether DISTINCT or ORDER BY inside the call can change the result (not for min, max, bool_and).
    is_order_sensitive: bool = False


RowNumbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WindowRows:
    """What a window function sees: the rows of all partitions in order, with what the frame clause resolved to. Ranges are [start, end)."""

    row_count: int
    # Of each row's partition.
    starts: RowNumbers
    ends: RowNumbers
    # Of each row's peers, by the window's ORDER BY, and their number, counted through all partitions.
    peer_starts: RowNumbers
    peer_ends: RowNumbers
    peer_numbers: RowNumbers
    # Of each row's frame.
    frame_starts: RowNumbers
    frame_ends: RowNumbers
    # What EXCLUDE takes out of the frames: "no others", "current row", "group" or "ties". For aggregates the operator applies it.
    exclude: str = "no others"


@dataclass(frozen=True, slots=True)
class WindowFunction:
    """row_number, rank, lag, ... `evaluate(rows, arguments) -> Vector` answers one value a row.

    `arguments` are vectors of as many values. Aggregates used as window functions need no entry here.
    """

    name: str
    arguments: tuple[ArgumentType, ...]
    result: ResultType
    evaluate: Callable[[WindowRows, Sequence[Vector]], Vector]
    defaults: tuple[Any, ...] = ()
    needs_order: bool = False
    # Whether it looks at the rows of the frame; of the others the frame is not even worked out.
    reads_frame: bool = True


@dataclass(frozen=True, slots=True)
class Resolved(Generic[Callee]):
    """A callee found for actual arguments: cast each argument to `argument_types`, the call then has type `result`."""

    callee: Callee
    argument_types: tuple[SqlType, ...]
    result: SqlType
    # Default values to append as constants.
    appended: tuple[Any, ...] = field(default=())
