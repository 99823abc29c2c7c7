"""The sets of parameters of executemany as they are given: which types they are of, found in one look by compiled code.

Where each parameter is given values of one plain kind, NULLs aside, nothing has to be made of them: whoever knows the types can take the values from
the sets. What is not so, or if the compiled module is not there, goes by columns (`parameter_columns.py`), which gives the same types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lungfish.database.plan_cache import ParsedText
from lungfish.native import compiled_module
from lungfish.types.sql_type import BIGINT, BOOLEAN, BYTEA, DOUBLE, INTEGER, SqlType

_compiled: Any = compiled_module("lungfish.session.native_sets")

# The kinds of values, as native_sets.pyx has them too.
NULL_VALUE: Final = 1
_INTEGER_VALUE: Final = 2
_BIGINT_VALUE: Final = 4
TEXT_VALUE: Final = 8
# The type of a parameter whose values are of these kinds; None: for the statement to infer, as a lone NULL's is.
_TYPES: Final[dict[int, SqlType | None]] = {
    0: None,
    TEXT_VALUE: None,
    _INTEGER_VALUE: INTEGER,
    _BIGINT_VALUE: BIGINT,
    _INTEGER_VALUE | _BIGINT_VALUE: BIGINT,
    16: DOUBLE,
    32: BOOLEAN,
    64: BYTEA,
}


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """Sets whose values are internal ones as they are, but where their type is to be inferred and turns out to be none of text."""

    sets: list[tuple[Any, ...]]
    # Of each parameter: the kinds of its values, as bits, and its type, None where the statement is to infer it.
    kinds: bytes
    types: tuple[SqlType | None, ...]


def look_at_sets(
    parsed: ParsedText, sets: list[Sequence[Any] | Mapping[str, Any]]
) -> ParameterSets | None:
    """The sets with their types; None where they are to be bound."""
    count = parsed.parameter_count
    if _compiled is None or parsed.parameter_names is not None or len(sets) < 2 or not count:
        return None
    kinds: bytes | None = _compiled.kinds_of_sets(sets, count)
    if kinds is None:
        return None
    plain = [kind & ~NULL_VALUE for kind in kinds]
    if not all(kind in _TYPES for kind in plain):
        return None
    given: Any = sets
    return ParameterSets(given, kinds, tuple(_TYPES[kind] for kind in plain))
