"""`operands operator ANY | ALL (SELECT ...)`: a subquery's rows, kept so that many operands can be compared with them.

    ANY: true if a comparison is true, else null if one is null, else false.        ALL: the same of the negations.

Of several columns all must compare so. Three ways lead to an answer, the first that can:

    memo        the same operands have been asked for before
    hashed      ANY of equalities of one type: the rows without nulls are looked up by their keys, the few with nulls are compared
    compared    each row: in batches where these are long enough and the operators can, else one by one
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from lungfish.executor.context import Row, Run
from lungfish.executor.expressions.calls import RowCall, VectorCall, row_function, vector_function
from lungfish.executor.expressions.vectors import VectorOrScalar, as_array
from lungfish.executor.memo import MemoKey, memo_key
from lungfish.executor.rows import batch_rows
from lungfish.planner.expressions import SubqueryExpr
from lungfish.types.batch import Batch
from lungfish.types.coercion import is_same_type
from lungfish.types.compare import comparison_key
from lungfish.types.compute import pc
from lungfish.types.sql_type import BOOLEAN, SqlType
from lungfish.types.vectors import constant_scalar

# So many rows are compared sooner as a batch than one by one.
_COMPARED_BATCH_ROWS_MIN = 32
_MEMO_ENTRIES_MAX = 65_536
# Keys take some hundred bytes a row, far more than the rows do in batches.
_HASHED_ROWS_MAX = 500_000

KeyFunction = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the operands of one subquery are compared with its columns."""

    is_any: bool
    # Column by column: of a row, and of a batch if every operator can compare one.
    by_row: tuple[RowCall, ...]
    by_column: tuple[VectorCall, ...]
    types: tuple[SqlType, ...]
    # None where the comparison is not one of keys; an item is None where the value is its own key.
    hash_keys: tuple[KeyFunction | None, ...] | None
    memo_key: MemoKey


def compile_comparison(expression: SubqueryExpr, columns: Sequence[SqlType]) -> Comparison:
    """The comparison of a subquery with these columns; one without operands never compares."""
    compared = [
        (function, (operand.type, column), BOOLEAN)
        for function, operand, column in zip(
            expression.operators, expression.operands, columns, strict=False
        )
    ]
    types = tuple(operand.type for operand in expression.operands)
    have_vectors = all(function.vector is not None for function, _, _ in compared)
    is_any = expression.kind in ("any", "member")
    is_equality = is_any and all(
        function.name == "=" and is_same_type(*pair) for function, pair, _ in compared
    )
    return Comparison(
        is_any=is_any,
        by_row=tuple(row_function(*each) for each in compared),
        by_column=tuple(vector_function(*each) for each in compared) if have_vectors else (),
        types=types,
        hash_keys=tuple(comparison_key(each) for each in types) if is_equality else None,
        memo_key=memo_key(types),
    )


class ComparedRows:
    """The rows of a subquery, and what operands were answered."""

    __slots__ = ("_batches", "_comparison", "_hashed", "_memo", "_parts", "_row_count", "_types")

    def __init__(
        self, comparison: Comparison, batches: Iterable[Batch], types: Sequence[SqlType]
    ) -> None:
        self._comparison = comparison
        self._types = types
        self._batches = list(batches)
        self._row_count = sum(batch.row_count for batch in self._batches)
        self._memo: dict[Hashable, bool | None] = {}
        # Made when they are first needed.
        self._hashed: tuple[set[Hashable], list[Row]] | None = None
        self._parts: list[list[Row] | Batch] | None = None

    def answer(self, operands: Sequence[Any], run: Run) -> bool | None:
        """What the comparison with all rows comes to."""
        memo = self._memo
        key = self._comparison.memo_key(operands)
        if key in memo:
            return memo[key]
        if len(memo) >= _MEMO_ENTRIES_MAX:
            memo.clear()
        answer = memo[key] = self._looked_up(operands, run)
        return answer

    def _looked_up(self, operands: Sequence[Any], run: Run) -> bool | None:
        keys = self._comparison.hash_keys
        # One comparison is cheaper than the keys of all rows, which a correlated subquery is often asked no more than.
        is_first = self._hashed is None and not self._memo
        if keys is None or None in operands or is_first or self._row_count > _HASHED_ROWS_MAX:
            return self._compared(operands, run)
        if self._hashed is None:
            self._hashed = self._hash(keys)
        known, with_nulls = self._hashed
        if _key(operands, keys) in known:
            return True
        return self._decided(self._compare_row(operands, row, run) for row in with_nulls)

    def _hash(self, keys: Sequence[KeyFunction | None]) -> tuple[set[Hashable], list[Row]]:
        """The keys of the rows without nulls, and the other rows."""
        known: set[Hashable] = set()
        with_nulls: dict[Hashable, Row] = {}
        for batch in self._batches:
            for row in batch_rows(batch, self._types):
                if None in row:
                    with_nulls.setdefault(_key(row, keys), row)
                else:
                    known.add(_key(row, keys))
        return known, list(with_nulls.values())

    def _compared(self, operands: Sequence[Any], run: Run) -> bool | None:
        if self._parts is None:
            self._parts = [
                batch
                if self._comparison.by_column and batch.row_count >= _COMPARED_BATCH_ROWS_MIN
                else list(batch_rows(batch, self._types))
                for batch in self._batches
            ]
        return self._decided(self._answers(operands, self._parts, run))

    def _answers(
        self, operands: Sequence[Any], parts: Sequence[list[Row] | Batch], run: Run
    ) -> Iterator[bool | None]:
        for part in parts:
            if isinstance(part, Batch):
                yield from self._compare_batch(operands, part, run)
            else:
                for row in part:
                    yield self._compare_row(operands, row, run)

    def _decided(self, answers: Iterable[bool | None]) -> bool | None:
        decided = self._comparison.is_any
        has_null = False
        for answer in answers:
            if answer is decided:
                return decided
            has_null = has_null or answer is None
        return None if has_null else not decided

    def _compare_batch(self, operands: Sequence[Any], batch: Batch, run: Run) -> set[bool | None]:
        """What comparisons of the rows of a batch answer, each answer once."""
        count = batch.row_count
        answers: VectorOrScalar | None = None
        for compare, operand, kind, column in zip(
            self._comparison.by_column,
            operands,
            self._comparison.types,
            batch.columns,
            strict=False,
        ):
            found = compare((constant_scalar(operand, kind), column), count, run)
            answers = found if answers is None else pc.and_kleene(answers, found)
        array = as_array(answers, count)
        null_count, true_count = array.null_count, array.true_count
        counts = {None: null_count, True: true_count, False: count - null_count - true_count}
        return {answer for answer, times in counts.items() if times}

    def _compare_row(self, operands: Sequence[Any], row: Row, run: Run) -> bool | None:
        has_null = False
        for compare, operand, value in zip(self._comparison.by_row, operands, row, strict=False):
            answer = compare((operand, value), run)
            if answer is None:
                has_null = True
            elif not answer:
                return False
        return None if has_null else True


def _key(row: Sequence[Any], keys: Sequence[KeyFunction | None]) -> Hashable:
    """The row's keys; a null stays one."""
    return tuple(
        [
            value if key is None or value is None else key(value)
            for key, value in zip(keys, row, strict=True)
        ]
    )
