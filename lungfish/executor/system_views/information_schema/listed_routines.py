"""Routines as the standard lists them: a user's and the built-in ones in one form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lungfish.catalog.objects import Oid, RoutineParameter, SqlFunction
from lungfish.executor.system_views.information_schema.definition import FullName, Names
from lungfish.executor.system_views.information_schema.described_types import (
    kind_of_oid,
    shortened,
)
from lungfish.executor.system_views.routines import Routine, built_in_routines
from lungfish.types.sql_type import SqlType


@dataclass(frozen=True, slots=True)
class ListedRoutine:
    """What is said of a routine. `kind` is pg_proc's letter: f, p, a or w."""

    oid: Oid
    name: str
    namespace_oid: Oid
    kind: str
    result: SqlType
    parameters: tuple[RoutineParameter, ...]
    # Its text; that of a body in SQL's own form is kept elsewhere, so it is empty.
    definition: str
    language: str = "INTERNAL"
    is_immutable: bool = False
    is_strict: bool = False
    is_definer: bool = False

    @property
    def is_procedure(self) -> bool:
        """Whether it gives no value."""
        return self.kind == "p"

    def specific(self, names: Names) -> FullName:
        """The name that no other routine has, by its oid."""
        return names.within(self.namespace_oid, specific_name(self.name, self.oid))

    def places(self) -> Iterator[tuple[int, SqlType]]:
        """Its types by their numbers: 0 is the result, which a procedure has not."""
        if not self.is_procedure:
            yield 0, self.result
        for number, each in enumerate(self.parameters, 1):
            yield number, each.type


def specific_name(name: str, oid: int) -> str:
    """The name of one routine among those that share a name."""
    return shortened(name, f"_{oid}")


def listed_routines(names: Names) -> Iterator[ListedRoutine]:
    """All routines."""
    yield from map(_built_in, built_in_routines())
    for item in names.catalog.objects():
        if isinstance(item, SqlFunction):
            yield _own(item)


def _built_in(item: Routine) -> ListedRoutine:
    given = item.parameter_names or ("",) * len(item.arguments)
    inputs = [
        RoutineParameter(name, kind_of_oid(oid))
        for name, oid in zip(given, item.arguments, strict=True)
    ]
    outputs = [RoutineParameter(name, kind_of_oid(oid), "out") for name, oid in item.columns]
    return ListedRoutine(
        item.oid, item.name, item.namespace_oid, item.kind, kind_of_oid(item.result), (*inputs, *outputs), item.name,
        is_immutable=item.volatility == "i", is_strict=item.is_strict,
    )  # fmt: skip


def _own(item: SqlFunction) -> ListedRoutine:
    if item.kind == "aggregate":
        # Nobody calls what pg_proc has for the body of one.
        return ListedRoutine(
            item.oid,
            item.name,
            item.namespace_oid,
            item.kind[0],
            item.result,
            item.all_parameters,
            "aggregate_dummy",
            is_immutable=item.volatility == "immutable",
            is_strict=item.is_strict,
        )
    return ListedRoutine(
        item.oid, item.name, item.namespace_oid, item.kind[0], item.result, item.all_parameters,
        "" if item.is_standard else item.body, "SQL", is_immutable=item.volatility == "immutable",
        is_strict=item.is_strict, is_definer=("security", "definer") in item.options,
    )  # fmt: skip
