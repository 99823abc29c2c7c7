"""Which statements may change a relation: pg_relation_is_updatable, pg_column_is_updatable and information_schema."""

from __future__ import annotations

from lungfish.catalog import Catalog
from lungfish.catalog.objects import Oid, Table, View
from lungfish.planner import own_items, reason_against_changes, relation_beneath

# PostgreSQL's bits.
UPDATE, INSERT, DELETE = 4, 8, 16
ALL = UPDATE | INSERT | DELETE
_EVENTS = {"update": UPDATE, "insert": INSERT, "delete": DELETE}


def changes_allowed(oid: Oid, catalog: Catalog, positions: frozenset[int] | None = None) -> int:
    """The statements that the relation takes, as bits; `positions`: the columns that matter, None for all."""
    found = catalog.object(oid)
    if isinstance(found, Table):
        return ALL if found.materialized_query is None else 0
    if not isinstance(found, View):
        return 0
    return _changes_of_view(found, catalog, positions)


def _changes_of_view(view: View, catalog: Catalog, positions: frozenset[int] | None) -> int:
    by_rules = 0
    for rule in catalog.rules_of(view.oid):
        if rule.is_instead and rule.condition is None:
            by_rules |= _EVENTS[rule.event]
    return by_rules | _changes_without_rules(view, catalog, positions)


def _changes_without_rules(view: View, catalog: Catalog, positions: frozenset[int] | None) -> int:
    if reason_against_changes(view, catalog, with_columns=False) is not None:
        return 0
    wanted = [
        item
        for position, item in enumerate(own_items(view, catalog))
        if isinstance(item, int) and (positions is None or position in positions)
    ]
    below = relation_beneath(view, catalog)
    allowed = changes_allowed(below.oid, catalog, None if positions is None else frozenset(wanted))
    return allowed if wanted else allowed & DELETE


def is_column_updatable(oid: Oid, number: int, catalog: Catalog) -> bool:
    """Whether the column with that number can be assigned to."""
    if number <= 0:
        return False
    found = catalog.object(oid)
    if isinstance(found, Table):
        return found.materialized_query is None
    allowed = changes_allowed(oid, catalog, frozenset([number - 1]))
    return allowed & (UPDATE | DELETE) == UPDATE | DELETE
