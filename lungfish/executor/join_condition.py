"""Conditions of joins over pairs of rows, with as little as possible done for each pair.

A join of 1,000 rows with 1,000 looks at a million pairs, but what an expression over one side answers it answers 1,000 times. So a condition has two
forms: the *plain* one, over the columns of both sides, and the *prepared* one, in which

    an expression over one side only        is a column made once for each row of its side
    a comparison across types               is one of casts, which are expressions over one side
    a comparison of values that take a      is one of integers: the ranks of these values among those of both sides
    Python call each (numeric, arrays, ...)
    &&, @> and <@ of ranges                 is one of the ranks of their bounds (joint_columns.py)

Columns are made once there are enough pairs to pay for it. An expression may raise for a row that no pair asks it about; then the plain form
does it all, which raises for the pairs that PostgreSQL might raise for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lungfish import errors
from lungfish.executor.compiler import Compiler, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import as_array, true_mask
from lungfish.executor.joint_columns import JointForm, in_one_type, joint_form
from lungfish.executor.row_matches import Matches
from lungfish.planner.expression_tree import (
    LEAVES,
    columns_of,
    has_subquery,
    is_volatile,
    map_children,
)
from lungfish.planner.expressions import BoundExpression, Call, ColumnRef
from lungfish.types.batch import Batch, Vector
from lungfish.types.sql_type import BIGINT


@dataclass(frozen=True, slots=True)
class _Form:
    evaluate: VectorEvaluator
    # The columns that it is over, of those of both sides with the made ones behind them.
    used: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Made:
    """A column that is made for each row of one side."""

    number: int
    is_left: bool
    evaluate: VectorEvaluator


@dataclass(frozen=True, slots=True)
class _Joint:
    """Columns that are made of one expression over each side."""

    left: VectorEvaluator
    right: VectorEvaluator
    form: JointForm
    # The first of the left side's columns, and of the right side's.
    left_number: int
    right_number: int
    # Whether the left side's expression is the operator's first operand.
    is_left_first: bool


@dataclass(frozen=True, slots=True)
class JoinCondition:
    """A compiled condition."""

    left_width: int
    width: int
    plain: _Form
    prepared: _Form | None
    made: tuple[_Made, ...]
    joints: tuple[_Joint, ...]


def join_condition(
    condition: BoundExpression | None, left_width: int, width: int, compiler: Compiler
) -> JoinCondition | None:
    """The condition over pairs of rows that have `width` columns together, if there is one."""
    if condition is None:
        return None
    plain = _form(condition, width, compiler)
    rewriter = _Rewriter(left_width, width, compiler)
    changed = rewriter.rewrite(condition)
    prepared = None if changed is condition else _form(changed, rewriter.width, compiler)
    return JoinCondition(
        left_width, width, plain, prepared, tuple(rewriter.made), tuple(rewriter.joints)
    )


def _form(condition: BoundExpression, width: int, compiler: Compiler) -> _Form:
    if has_subquery(condition):
        # What is inside goes by the places of columns too.
        return _Form(compiler.vector(condition), tuple(range(width)))
    used = sorted(columns_of(condition))
    places = {number: place for place, number in enumerate(used)}
    return _Form(compiler.vector(_moved(condition, places)), tuple(used))


def _moved(node: BoundExpression, places: Mapping[int, int]) -> BoundExpression:
    """The expression over columns at other places."""
    if isinstance(node, ColumnRef):
        return ColumnRef(places[node.index], node.type, node.name)
    return map_children(node, lambda child: _moved(child, places))


class _Rewriter:
    """Finds what can be made once for each row: the columns get the numbers behind those of the two sides."""

    def __init__(self, left_width: int, width: int, compiler: Compiler) -> None:
        self._left_width = left_width
        self._compiler = compiler
        self._known: list[tuple[BoundExpression, ColumnRef]] = []
        self.width = width
        self.made: list[_Made] = []
        self.joints: list[_Joint] = []

    def rewrite(self, node: BoundExpression) -> BoundExpression:
        """The expression over the columns of both sides and the made ones."""
        if type(node) in LEAVES:
            return node
        is_left = self._side(node)
        if is_left is not None and not has_subquery(node) and not is_volatile(node):
            return self._column(node, is_left=is_left)
        if isinstance(node, Call) and len(node.arguments) == 2:
            joint = self._joint(node)
            if joint is not None:
                return joint
        return map_children(node, self.rewrite)

    def _side(self, node: BoundExpression) -> bool | None:
        """Whether it is about the left side alone (True) or about the right one (False)."""
        used = columns_of(node)
        if not used or min(used) < self._left_width <= max(used):
            return None
        return max(used) < self._left_width

    def _evaluator(self, node: BoundExpression, *, is_left: bool) -> VectorEvaluator:
        start = 0 if is_left else self._left_width
        return self._compiler.vector(
            _moved(node, {each: each - start for each in columns_of(node)})
        )

    def _number(self, count: int) -> int:
        number = self.width
        self.width += count
        return number

    def _column(self, node: BoundExpression, *, is_left: bool) -> ColumnRef:
        for known, column in self._known:
            if known == node:
                return column
        column = ColumnRef(self._number(1), node.type, "made")
        evaluate = self._evaluator(node, is_left=is_left)
        self.made.append(_Made(column.index, is_left, evaluate))
        self._known.append((node, column))
        return column

    def _joint(self, node: Call) -> BoundExpression | None:
        first, second = node.arguments
        is_left_first = self._side(first)
        if is_left_first is None or self._side(second) is not (not is_left_first):
            return None
        if any(has_subquery(each) or is_volatile(each) for each in node.arguments):
            return None
        cast = in_one_type(node)
        if cast is not node:
            return self.rewrite(cast)
        form = joint_form(node)
        if form is None:
            return None
        left, right = (first, second) if is_left_first else (second, first)
        joint = _Joint(
            self._evaluator(left, is_left=True),
            self._evaluator(right, is_left=False),
            form,
            self._number(form.count),
            self._number(form.count),
            is_left_first,
        )
        self.joints.append(joint)
        sides = [
            [ColumnRef(start + number, BIGINT, "place") for number in range(form.count)]
            for start in (joint.left_number, joint.right_number)
        ]
        return form.test(*sides) if is_left_first else form.test(*reversed(sides))


class PairTest:
    """A condition in one run of a join, with what has been made for its rows."""

    def __init__(self, condition: JoinCondition, right: Batch) -> None:
        self._condition = condition
        self._right = right
        self._pair_count = 0
        # Something cannot be made for each row.
        self._has_failed = False
        self._left: Batch | None = None
        # By their numbers: columns of the right side, and those of the left one with the joint ones; None before they are made.
        self._of_right: dict[int, Vector] | None = None
        self._of_left: dict[int, Vector] | None = None

    def mask(self, left: Batch, pairs: Matches, run: Run) -> pa.BooleanArray:
        """Of which pairs the condition is true."""
        condition = self._condition
        form = condition.plain
        if condition.prepared is not None and self._are_made(left, len(pairs.left), run):
            form = condition.prepared
        return true_mask(form.evaluate(self._pairs(form, left, pairs), run), len(pairs.left))

    def _pairs(self, form: _Form, left: Batch, pairs: Matches) -> Batch:
        condition = self._condition
        left_rows, right_rows = pa.array(pairs.left), pa.array(pairs.right)
        columns = []
        for number in form.used:
            if number < condition.left_width:
                columns.append(left.columns[number].take(left_rows))
            elif number < condition.width:
                columns.append(self._right.columns[number - condition.left_width].take(right_rows))
            else:
                columns.append(self._made_column(number, left_rows, right_rows))
        return Batch(tuple(columns), len(pairs.left))

    def _made_column(self, number: int, left_rows: pa.Array, right_rows: pa.Array) -> Vector:
        assert self._of_left is not None
        assert self._of_right is not None
        of_left = self._of_left.get(number)
        if of_left is not None:
            return of_left.take(left_rows)
        return self._of_right[number].take(right_rows)

    # Making columns.

    def _are_made(self, left: Batch, pair_count: int, run: Run) -> bool:
        """Whether the columns are there for this left batch: they are made now if there are pairs enough."""
        if self._has_failed:
            return False
        if left is not self._left:
            self._left, self._of_left = left, None
        if self._of_left is not None:
            return True
        self._pair_count += pair_count
        right_count = self._right.row_count
        least = left.row_count + (right_count if self._condition.joints else 0)
        if pair_count < least or self._pair_count < right_count:
            return False
        try:
            self._make(left, run)
        except errors.OperationalError:
            raise
        except errors.DatabaseError:
            self._has_failed = True
            return False
        return True

    def _make(self, left: Batch, run: Run) -> None:
        condition = self._condition
        if self._of_right is None:
            self._of_right = self._made(self._right, run, is_left=False)
        of_left = self._made(left, run, is_left=True)
        for joint in condition.joints:
            sides = (_whole(joint.left, left, run), _whole(joint.right, self._right, run))
            if joint.is_left_first:
                lefts, rights = run.compute(joint.form.columns, *sides)
            else:
                rights, lefts = run.compute(joint.form.columns, *reversed(sides))
            of_left.update(enumerate(lefts, joint.left_number))
            self._of_right.update(enumerate(rights, joint.right_number))
        self._of_left = of_left

    def _made(self, batch: Batch, run: Run, *, is_left: bool) -> dict[int, Vector]:
        return {
            made.number: _whole(made.evaluate, batch, run)
            for made in self._condition.made
            if made.is_left is is_left
        }


def _whole(evaluate: VectorEvaluator, batch: Batch, run: Run) -> Vector:
    return as_array(evaluate(batch, run), batch.row_count)
