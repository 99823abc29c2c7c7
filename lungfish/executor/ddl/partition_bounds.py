"""FOR VALUES: the bound of a new partition, and whether it goes together with those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lungfish import errors
from lungfish.catalog.catalog import Catalog
from lungfish.catalog.names import type_text
from lungfish.catalog.objects import Table
from lungfish.catalog.partition_parts import PartitionBound, RangeDatum
from lungfish.catalog.partitions import (
    bound_of,
    comparable,
    key_types,
    list_value,
    partitions_of,
    range_end,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.partition_texts import end_text, key_texts
from lungfish.sql.ast.expressions import Expression, Literal, Name, Subquery
from lungfish.sql.ast.partitions import PartitionValues
from lungfish.sql.unparse_queries import unparse_expression
from lungfish.types.coercion import CastContext, can_coerce
from lungfish.types.sql_type import SqlType
from lungfish.types.text_format import format_value

_WORDS: dict[tuple[str, ...], int] = {("minvalue",): -1, ("maxvalue",): 1}


def make_bound(context: DdlContext, parent: Table, values: PartitionValues) -> PartitionBound:
    """The bound that the clause says. Raises InvalidTableDefinition and the like, as PostgreSQL words them."""
    assert parent.partition_key is not None, "asked of partitioned tables only"
    strategy = parent.partition_key.strategy
    if values.strategy == "default":
        if strategy == "hash":
            raise errors.InvalidTableDefinition(
                "a hash-partitioned table may not have a default partition"
            )
        return PartitionBound(is_default=True)
    if values.strategy != strategy:
        raise errors.InvalidTableDefinition(
            f"invalid bound specification for a {strategy} partition", position=values.position
        )
    if strategy == "hash":
        return _hash_bound(values)
    maker = _BoundMaker(context, parent)
    return maker.list(values) if strategy == "list" else maker.range(values)


def _hash_bound(values: PartitionValues) -> PartitionBound:
    problem = None
    if values.modulus <= 0:
        problem = "modulus for hash partition must be an integer value greater than zero"
    elif values.remainder < 0:
        problem = (
            "remainder for hash partition must be an integer value greater than or equal to zero"
        )
    elif values.remainder >= values.modulus:
        problem = "remainder for hash partition must be less than modulus"
    if problem is not None:
        raise errors.InvalidTableDefinition(problem)
    return PartitionBound(modulus=values.modulus, remainder=values.remainder)


class _BoundMaker:
    """Computes the values of one clause."""

    def __init__(self, context: DdlContext, parent: Table) -> None:
        self._context = context
        self._kinds = key_types(parent)
        self._names = key_texts(parent)
        self._parent = parent

    def list(self, values: PartitionValues) -> PartitionBound:
        """FOR VALUES IN; a value that is there twice counts once."""
        texts = dict.fromkeys(self._value(node, 0) for node in values.values)
        return PartitionBound(values=tuple(texts))

    def range(self, values: PartitionValues) -> PartitionBound:
        """FOR VALUES FROM ... TO."""
        for word, datums in (("FROM", values.lower), ("TO", values.upper)):
            if len(datums) != len(self._kinds):
                raise errors.InvalidTableDefinition(
                    f"{word} must specify exactly one value per partitioning column"
                )
        return PartitionBound(lower=self._end(values.lower), upper=self._end(values.upper))

    def _end(self, nodes: Sequence[Expression]) -> tuple[RangeDatum, ...]:
        found: list[RangeDatum] = []
        for at, node in enumerate(nodes):
            word = _WORDS.get(node.parts) if isinstance(node, Name) else None
            if word is not None:
                datum = RangeDatum(word)
            else:
                text = self._value(node, at)
                if text is None:
                    raise errors.InvalidObjectDefinition("cannot specify NULL in range bound")
                datum = RangeDatum(0, text)
            if found and found[-1].kind and found[-1].kind != datum.kind:
                name = "MINVALUE" if found[-1].kind < 0 else "MAXVALUE"
                raise errors.DatatypeMismatch(
                    f"every bound following {name} must also be {name}",
                    position=node.position if node.position >= 0 else None,
                )
            found.append(datum)
        return tuple(found)

    def _value(self, node: Expression, at: int) -> str | None:
        """The text of a value in the key's type."""
        kind = self._kinds[at].unmodified
        if isinstance(node, Subquery):
            raise errors.FeatureNotSupported(
                "cannot use subquery in partition bound",
                position=node.position if node.position >= 0 else None,
            )
        text = unparse_expression(node)
        try:
            given = self._context.runner.check_expression(
                replace(self._parent, columns=()), text, what="partition bound"
            )
        except (errors.UndefinedColumn, errors.UndefinedTable) as error:
            raise errors.FeatureNotSupported(
                "cannot use column reference in partition bound expression",
                position=node.position if node.position >= 0 else None,
            ) from error
        is_open = isinstance(node, Literal) and node.kind in (
            Literal.Kind.STRING,
            Literal.Kind.NULL,
        )
        if not is_open and not can_coerce(given, kind, CastContext.ASSIGNMENT):
            raise errors.DatatypeMismatch(
                f'specified value cannot be cast to type {kind} for column "{self._names[at]}"',
                position=node.position if node.position >= 0 else None,
            )
        # With its modifiers: numeric(5,2) keeps 0.5 as 0.50.
        shown = type_text(self._context.catalog, self._kinds[at])
        ((value,),) = self._context.runner.query_assigned(f"SELECT CAST(({text}) AS {shown})")
        return None if value is None else format_value(value, kind)


# Whether it goes together with the others.


def check_bound(name: str, bound: PartitionBound, parent: Table, catalog: Catalog) -> None:
    """Raise InvalidObjectDefinition if the bound is empty, or takes rows of another partition."""
    assert parent.partition_key is not None, "asked of partitioned tables only"
    others = partitions_of(parent, catalog)
    if bound.is_default:
        for other in others:
            if bound_of(other).is_default:
                raise errors.InvalidObjectDefinition(
                    f'partition "{name}" conflicts with existing default partition "{other.name}"'
                )
        return
    plain = [item for item in others if not bound_of(item).is_default]
    kinds = key_types(parent)
    match parent.partition_key.strategy:
        case "range":
            _check_range(name, bound, plain, kinds)
        case "list":
            _check_list(name, bound, plain, kinds[0])
        case _:
            _check_hash(name, bound, plain)


def _overlap(name: str, other: Table) -> errors.Error:
    return errors.InvalidObjectDefinition(
        f'partition "{name}" would overlap partition "{other.name}"'
    )


def _check_range(
    name: str, bound: PartitionBound, others: Sequence[Table], kinds: Sequence[SqlType]
) -> None:
    lower, upper = range_end(bound.lower, kinds), range_end(bound.upper, kinds)
    if lower >= upper:
        raise errors.InvalidObjectDefinition(
            f'empty range bound specified for partition "{name}"',
            detail=f"Specified lower bound ({end_text(bound.lower, kinds)}) is greater than or equal to "
            f"upper bound ({end_text(bound.upper, kinds)}).",
        )
    for other in sorted(others, key=lambda item: range_end(bound_of(item).upper, kinds)):
        theirs = bound_of(other)
        if lower < range_end(theirs.upper, kinds) and range_end(theirs.lower, kinds) < upper:
            raise _overlap(name, other)


def _check_list(name: str, bound: PartitionBound, others: Sequence[Table], kind: SqlType) -> None:
    def key(text: str | None) -> object:
        value = list_value(text, kind)
        return None if value is None else (comparable(value, kind),)

    own = {key(text) for text in bound.values}
    for other in others:
        if any(key(text) in own for text in bound_of(other).values):
            raise _overlap(name, other)


def _check_hash(name: str, bound: PartitionBound, others: Sequence[Table]) -> None:
    by_modulus = sorted(others, key=lambda item: bound_of(item).modulus)
    smaller = [item for item in by_modulus if bound_of(item).modulus <= bound.modulus]
    greater = [item for item in by_modulus if bound_of(item).modulus > bound.modulus]
    detail = None
    if smaller and bound.modulus % bound_of(smaller[-1]).modulus:
        other = smaller[-1]
        detail = (
            f"The new modulus {bound.modulus} is not divisible by {bound_of(other).modulus}, "
            f'the modulus of existing partition "{other.name}".'
        )
    elif greater and bound_of(greater[0]).modulus % bound.modulus:
        other = greater[0]
        detail = (
            f"The new modulus {bound.modulus} is not a factor of {bound_of(other).modulus}, "
            f'the modulus of existing partition "{other.name}".'
        )
    if detail is not None:
        raise errors.InvalidObjectDefinition(
            "every hash partition modulus must be a factor of the next larger modulus",
            detail=detail,
        )
    for item in others:
        theirs = bound_of(item)
        if (theirs.remainder - bound.remainder) % min(theirs.modulus, bound.modulus) == 0:
            raise _overlap(name, item)
