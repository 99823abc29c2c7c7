"""In which order objects are made, so that each finds what it needs.

What needs what is known from types and from what views note of themselves; of stored texts (defaults, checks, function bodies) the
words that are names of functions, sequences or relations count, which may find too much but nothing too little. A circle, which only
such a word can close, is broken where it is met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from lungfish.catalog import Catalog
from lungfish.catalog.objects import (
    CatalogObject,
    Namespace,
    Oid,
    SqlFunction,
    SystemView,
    Table,
    UserType,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.operator_objects import UserCast, UserOperator
from lungfish.catalog.type_uses import types_of
from lungfish.sql.tokens import tokens
from lungfish.types.sql_type import SqlType

Needs = Callable[[CatalogObject], Iterable[CatalogObject]]

# Ties are broken by kind: schemas first, views last.
_KIND_ORDER: tuple[type[CatalogObject], ...] = (
    Namespace, UserType, SequenceObject, SqlFunction, UserOperator, UserCast, Table, View,
)  # fmt: skip


def kind_rank(item: CatalogObject) -> int:
    """The place of an object's kind in the order of making; materialised views stand with views."""
    if isinstance(item, Table) and item.materialized_query is not None:
        return len(_KIND_ORDER) - 1
    return _KIND_ORDER.index(type(item))


def in_order(items: Iterable[CatalogObject], needs: Needs) -> list[CatalogObject]:
    """The objects and all that they need, each behind what it needs."""
    ordered: dict[Oid, CatalogObject] = {}
    visited: set[Oid] = set()
    # Without recursion: a chain of views may be longer than Python's stack.
    stack: list[tuple[CatalogObject, Iterator[CatalogObject]]] = []
    for root in sorted(items, key=_sort_key):
        if root.oid in visited:
            continue
        visited.add(root.oid)
        stack.append((root, _sorted_needs(root, needs)))
        while stack:
            item, rest = stack[-1]
            found = next((each for each in rest if each.oid not in visited), None)
            if found is None:
                stack.pop()
                ordered[item.oid] = item
            else:
                visited.add(found.oid)
                stack.append((found, _sorted_needs(found, needs)))
    return list(ordered.values())


def _sort_key(item: CatalogObject) -> tuple[int, int]:
    return kind_rank(item), item.oid


def _sorted_needs(item: CatalogObject, needs: Needs) -> Iterator[CatalogObject]:
    return iter(sorted(needs(item), key=_sort_key))


class Dependencies:
    """What each object of a catalog needs."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._by_name: dict[str, list[CatalogObject]] = {}
        for item in catalog.objects():
            if not isinstance(item, (Namespace, SystemView)):
                self._by_name.setdefault(item.name, []).append(item)

    def __call__(self, item: CatalogObject) -> list[CatalogObject]:
        """The objects that must be there before this one."""
        if isinstance(item, Namespace):
            return []
        oids: set[Oid] = {item.namespace_oid}
        for sql_type in types_of(item):
            oids |= _oids_of(sql_type)
        found: list[CatalogObject] = []
        match item:
            case View():
                oids |= item.depends_on
            case Table():
                oids |= item.depends_on
                oids |= set(item.parents)
                oids |= {each.sequence_oid for each in item.columns if each.sequence_oid}
                found = self._named_in(_texts_of(item), (SqlFunction, SequenceObject))
            case UserType():
                texts = [item.default or "", *(text for _, text in item.checks)]
                found = self._named_in(texts, (SqlFunction, SequenceObject))
            case SqlFunction():
                oids |= item.depends_on
                kinds = (SqlFunction, SequenceObject, Table, View, UserType)
                found = self._named_in([item.body], kinds)
            case UserOperator() | UserCast():
                oids |= set() if item.function is None else {Oid(item.function.oid)}
            case _:
                pass
        known = [self._catalog.object(oid) for oid in oids]
        found += [each for each in known if each is not None and not isinstance(each, SystemView)]
        return [each for each in found if each.oid != item.oid]

    def _named_in(
        self, texts: Iterable[str], kinds: tuple[type[CatalogObject], ...]
    ) -> list[CatalogObject]:
        """The objects of those kinds whose names stand in the texts, also inside strings: nextval('s')."""
        words = {word for text in texts for word in _words(text)}
        return [
            each
            for word in words
            for each in self._by_name.get(word, ())
            if isinstance(each, kinds)
        ]


def _texts_of(table: Table) -> list[str]:
    texts = [column.default or column.generated or "" for column in table.columns]
    texts += [constraint.check or "" for constraint in table.constraints]
    for index in table.indexes:
        texts += [key.expression or "" for key in index.columns]
        texts.append(index.predicate or "")
    return texts


def _words(text: str) -> Iterator[str]:
    for token in tokens(text):
        word = text[token.start : token.end]
        if token.kind == "word":
            yield word.lower()
        elif token.kind == "quoted":
            yield word[1:-1].replace('""', '"')
        elif token.kind == "string":
            yield from _words(word.strip("'"))


def _oids_of(sql_type: SqlType) -> set[Oid]:
    oids = {Oid(sql_type.oid), Oid(sql_type.domain_oid)}
    if sql_type.element is not None:
        oids |= _oids_of(sql_type.element)
    for field in sql_type.fields:
        oids |= _oids_of(field)
    return oids
