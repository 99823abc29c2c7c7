"""pg_rewrite and pg_rules, and the text of a rule's definition: a view is a table with a rule that its rows are those of a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog import Catalog
from lungfish.catalog.names import qualified
from lungfish.catalog.objects import Rule, SystemView, Table, View
from lungfish.executor.system_views.definition import catalog_of
from lungfish.sql.quoting import quote_identifier

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]

_EVENTS = {"select": "1", "update": "2", "insert": "3", "delete": "4"}
_MODES = {"origin": "O", "disabled": "D", "replica": "R", "always": "A"}


def rule_definition(catalog: Catalog, rule: Rule, *, is_visible: bool = False) -> str:
    """CREATE RULE as pg_get_ruledef lays it out; `is_visible`: its relation is known by its bare name."""
    relation = _relation_of(catalog, rule)
    name = quote_identifier(relation.name) if is_visible else qualified(catalog, relation)
    text = f"CREATE RULE {quote_identifier(rule.name)} AS\n    ON {rule.event.upper()} TO {name}"
    if rule.condition is not None:
        text += f"\n   WHERE ({rule.condition})"
    text += " DO INSTEAD" if rule.is_instead else " DO"
    if not rule.commands:
        return f"{text} NOTHING;"
    if len(rule.commands) == 1:
        return f"{text}  {rule.commands[0]};"
    commands = ";\n ".join(rule.commands)
    return f"{text} ( {commands};\n);"


def _relation_of(catalog: Catalog, rule: Rule) -> Table | View:
    relation = catalog.object(rule.relation_oid)
    assert isinstance(relation, (Table, View)), "a rule goes with its relation"
    return relation


def _rewrites(context: ExecutionContext) -> Rows:
    """The rule of a view has the view's own oid."""
    for item in context.catalog.objects():
        if isinstance(item, View) or (isinstance(item, Table) and item.materialized_query):
            yield item.oid, "_RETURN", item.oid, "1", "O", True, "<>", item.query
        elif isinstance(item, Rule):
            condition = "<>" if item.condition is None else item.condition
            commands = ";\n".join(item.commands)
            yield (
                item.oid, item.name, item.relation_oid, _EVENTS[item.event], _MODES[item.mode], item.is_instead,
                condition, commands or "<>",
            )  # fmt: skip


def _rules(context: ExecutionContext) -> Rows:
    """Those of views are not listed here."""
    catalog = context.catalog
    for item in catalog.objects():
        if isinstance(item, Rule):
            relation = _relation_of(catalog, item)
            schema = catalog.namespace_name(relation.namespace_oid)
            yield schema, relation.name, item.name, rule_definition(catalog, item)


REWRITE_VIEWS: tuple[SystemView, ...] = (
    catalog_of(
        2618,
        "pg_rewrite",
        "oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool, ev_qual tree,"
        " ev_action tree",
        _rewrites,
    ),
    catalog_of(
        12114,
        "pg_rules",
        "schemaname name, tablename name, rulename name, definition text",
        _rules,
    ),
)
