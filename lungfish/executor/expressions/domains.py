"""Values made values of a domain: they go through as they are, or one of the domain's checks raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lungfish import errors
from lungfish.executor.compiler import Compiler, RowEvaluator, VectorEvaluator
from lungfish.executor.context import Run
from lungfish.executor.expressions.vectors import VectorOrScalar, as_array
from lungfish.planner.expressions import DomainCheck, DomainExpr
from lungfish.types.batch import Batch
from lungfish.types.compute import pc
from lungfish.types.vectors import to_values


def vector_domain(expression: DomainExpr, compiler: Compiler) -> VectorEvaluator:
    """The checks over a batch of one column, the values."""
    if any(check.path for check in expression.checks):
        return _vector_inner(expression, compiler)
    operand = compiler.vector(expression.operand)
    checks = [
        (check, None if check.condition is None else compiler.vector(check.condition))
        for check in expression.checks
    ]
    position = expression.position

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        found = operand(batch, run)
        values = as_array(found, batch.row_count)
        alone = Batch((values,), len(values))
        for check, condition in checks:
            if condition is None:
                if values.null_count:
                    raise _null_value(check).at(position)
                continue
            answers = as_array(condition(alone, run), len(values))
            if pc.any(pc.invert(answers)).as_py():
                raise _violation(check).at(position)
        return found

    return evaluate


def _vector_inner(expression: DomainExpr, compiler: Compiler) -> VectorEvaluator:
    """The checks of values inside of values, one by one."""
    operand, kind = compiler.vector(expression.operand), expression.operand.type
    require = _requirement(expression, compiler)

    def evaluate(batch: Batch, run: Run) -> VectorOrScalar:
        found = operand(batch, run)
        for value in to_values(as_array(found, batch.row_count), kind):
            require(value, run)
        return found

    return evaluate


def _requirement(expression: DomainExpr, compiler: Compiler) -> Callable[[Any, Run], None]:
    """What raises unless a value keeps to all checks."""
    checks = [
        (check, None if check.condition is None else compiler.row(check.condition))
        for check in expression.checks
    ]
    position = expression.position

    def require(whole: Any, run: Run) -> None:
        for check, condition in checks:
            for value in _inside(whole, check.path):
                if condition is None:
                    if value is None:
                        raise _null_value(check).at(position)
                elif condition((value,), run) is False:
                    raise _violation(check).at(position)

    return require


def _inside(value: Any, path: tuple[int | None, ...]) -> Iterator[Any]:
    """The values at a path of `DomainCheck`."""
    if not path:
        yield value
    elif value is not None:
        step, rest = path[0], path[1:]
        for each in value if step is None else (value[step],):
            yield from _inside(each, rest)


def row_domain(expression: DomainExpr, compiler: Compiler) -> RowEvaluator:
    """The checks over a row of one value."""
    operand = compiler.row(expression.operand)
    require = _requirement(expression, compiler)

    def evaluate(row: Sequence[Any], run: Run) -> Any:
        value = operand(row, run)
        require(value, run)
        return value

    return evaluate


def _null_value(check: DomainCheck) -> errors.Error:
    return errors.NotNullViolation(f"domain {check.domain} does not allow null values")


def _violation(check: DomainCheck) -> errors.Error:
    return errors.CheckViolation(
        f'value for domain {check.domain} violates check constraint "{check.name}"',
        constraint=check.name,
    )
