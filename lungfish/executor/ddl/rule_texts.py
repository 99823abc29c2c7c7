"""Rules go on doing what they did when a relation that they use is called otherwise.

A table that is renamed keeps its old name as an alias inside the command, so everything that the command says of its columns
stays true: `UPDATE old` becomes `UPDATE s.new AS old`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Oid, Rule, Sequence, Table, View
from lungfish.errors import FeatureNotSupported
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.rules import rule_words
from lungfish.sql import parse_one, unparse_command, unparse_query
from lungfish.sql.ast.queries import CommonTableExpression, ObjectName, TableReference


def follow_in_rules(context: DdlContext, before: Catalog) -> None:
    """Write the rules anew that use a relation whose name has changed since `before`."""
    after = context.catalog
    if not after.has_rules:
        return
    for old in list(before.objects()):
        if not isinstance(old, Rule):
            continue
        now = after.object(old.oid)
        names = {
            oid: name
            for oid in old.depends_on
            if (name := _name(oid, after)) is not None and name != _name(oid, before)
        }
        if isinstance(now, Rule) and names:
            _follow(context, old, now, _Renaming(before, old.search_path, names))


def _name(oid: Oid, catalog: Catalog) -> ObjectName | None:
    found = catalog.object(oid)
    if not isinstance(found, (Table, View, Sequence)):
        return None
    return ObjectName(found.name, catalog.namespace_name(found.namespace_oid))


class _Renaming:
    """The relations that a text names, read in a catalog, and what they are called now."""

    def __init__(
        self, before: Catalog, search_path: tuple[str, ...], names: Mapping[Oid, ObjectName]
    ) -> None:
        self._before = before
        self._search_path = search_path
        self._names = names
        self.words = {
            word
            for oid, name in names.items()
            for word in (name.name, getattr(before.object(oid), "name", ""))
        }

    def __call__(self, node: Any) -> Any:
        """The tree with each reference to one of the relations changed."""
        if isinstance(node, TableReference):
            return self._reference(node)
        if isinstance(node, tuple):
            return tuple([self(item) for item in node])
        if not dataclasses.is_dataclass(node) or isinstance(node, type):
            return node
        values = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        mapped = {name: self(value) for name, value in values.items()}
        if all(mapped[name] is value for name, value in values.items()):
            return node
        return replace(node, **mapped)

    def _reference(self, reference: TableReference) -> TableReference:
        name = reference.name
        found = self._before.find_relation(name.name, name.schema, self._search_path)
        renamed = None if found is None else self._names.get(found.oid)
        if renamed is None:
            return reference
        return replace(reference, name=renamed, alias=reference.alias or name.name)


def _follow(context: DdlContext, old: Rule, now: Rule, renaming: _Renaming) -> None:
    trees = [parse_one(text).statement for text in old.commands]
    if any(_has_cte_named(tree, renaming.words) for tree in trees):
        raise FeatureNotSupported(
            f"changing names that {rule_words(context.catalog, now)} uses is not supported",
            hint="Drop the rule, rename, and create it again.",
        )
    condition = old.condition
    if condition is not None:
        query = parse_one(f"SELECT {condition}").statement
        condition = unparse_query(renaming(query)).removeprefix("SELECT ")
    commands = tuple([unparse_command(renaming(tree)) for tree in trees])
    context.change.put(replace(now, condition=condition, commands=commands))


def _has_cte_named(node: Any, names: set[str]) -> bool:
    if isinstance(node, CommonTableExpression) and node.name in names:
        return True
    if isinstance(node, tuple):
        return any(_has_cte_named(item, names) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return False
    return any(
        _has_cte_named(getattr(node, field.name), names) for field in dataclasses.fields(node)
    )
