"""The frame of the lowering: from PostgreSQL's raw parse tree to our frozen tree.

Each part of the grammar has its module `lower_*.py` with a visible table from node tag to function. `Lowering` joins the
tables, so that the modules can call each other (an expression holds a query, a query holds expressions) without
importing each other. A lowering function takes the fields of its node and the `Lowering`.

The rule that every function keeps: a field that our tree has no place for raises `FeatureNotSupported` that names it;
nothing is dropped. As the raw tree leaves out fields with a zero value, `require_only` can see what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, TypeAlias

from lungfish import errors
from lungfish.sql.ast import Statement
from lungfish.sql.ast.expressions import Expression
from lungfish.sql.ast.queries import FromItem, ObjectName, Query
from lungfish.sql.libpg import Node

# What a user calls the thing that a field or a node stands for.
FEATURES: Mapping[str, str] = {
    "accessMethod": "USING access method",
    "cluster": "CLUSTER",
    "collClause": "COLLATE",
    "fdwoptions": "OPTIONS",
    "opclassopts": "a parameter of an operator class",
    "options": "WITH (storage parameters)",
    "pct_type": "%TYPE",
    "setof": "SETOF",
    "storage": "STORAGE",
    "va_cols": "a column list of ANALYZE",
    "RangeTableFunc": "XMLTABLE",
    "XmlExpr": "an XML function",
    "XmlSerialize": "XMLSERIALIZE",
}

ExpressionRule: TypeAlias = Callable[[Node, "Lowering"], Expression]
FromItemRule: TypeAlias = Callable[[Node, "Lowering"], FromItem]
StatementRule: TypeAlias = Callable[[Node, "Lowering"], Statement]


class Lowering:
    """The tables of all grammar parts, and the dispatch over them."""

    __slots__ = ("_expressions", "_from_items", "_lower_query", "_statements")

    def __init__(
        self,
        *,
        expressions: Mapping[str, ExpressionRule],
        from_items: Mapping[str, FromItemRule],
        statements: Mapping[str, StatementRule],
        lower_query: Callable[[Node, Lowering], Query],
    ) -> None:
        self._expressions = expressions
        self._from_items = from_items
        self._statements = statements
        self._lower_query = lower_query

    def expression(self, node: Node) -> Expression:
        """An expression in a slot that may hold any."""
        ((tag, fields),) = node.items()
        rule = self._expressions.get(tag)
        if rule is None:
            raise_unsupported(FEATURES.get(tag, tag), find_position(fields))
        return rule(fields, self)

    def optional_expression(self, node: Node | None) -> Expression | None:
        return None if node is None else self.expression(node)

    def expressions(self, nodes: Iterable[Node]) -> tuple[Expression, ...]:
        return tuple([self.expression(node) for node in nodes])

    def from_item(self, node: Node) -> FromItem:
        ((tag, fields),) = node.items()
        rule = self._from_items.get(tag)
        if rule is None:
            raise_unsupported(FEATURES.get(tag, tag), find_position(fields))
        return rule(fields, self)

    def query(self, node: Node) -> Query:
        """A query in a slot that may hold any statement."""
        ((tag, fields),) = node.items()
        if tag != "SelectStmt":
            raise_unsupported(f"{tag} as a query", find_position(fields))
        return self._lower_query(fields, self)

    def select(self, fields: Node) -> Query:
        """A query in a slot that can hold nothing else."""
        return self._lower_query(fields, self)

    def statement(self, node: Node) -> Statement:
        ((tag, fields),) = node.items()
        rule = self._statements.get(tag)
        if rule is None:
            raise_unsupported(statement_words(tag))
        return rule(fields, self)


def statement_words(tag: str) -> str:
    """The words of a statement from its node's tag: CreateTrigStmt is "CREATE TRIGGER"."""
    known = _STATEMENT_WORDS.get(tag)
    if known is not None:
        return known
    stem = tag.removesuffix("Stmt")
    return "".join(f" {letter}" if letter.isupper() else letter for letter in stem).strip().upper()


_STATEMENT_WORDS: Mapping[str, str] = {
    "AlterObjectDependsStmt": "DEPENDS ON EXTENSION",
    "AlterRoleSetStmt": "ALTER ROLE ... SET",
    "AlterTSConfigurationStmt": "ALTER TEXT SEARCH CONFIGURATION",
    "AlterTSDictionaryStmt": "ALTER TEXT SEARCH DICTIONARY",
    "CreateAmStmt": "CREATE ACCESS METHOD",
    "CreateEventTrigStmt": "CREATE EVENT TRIGGER",
    "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
    "CreateForeignServerStmt": "CREATE SERVER",
    "CreateOpClassStmt": "CREATE OPERATOR CLASS",
    "CreateOpFamilyStmt": "CREATE OPERATOR FAMILY",
    "CreateStmt": "CREATE TABLE",
    "CreatePLangStmt": "CREATE LANGUAGE",
    "CreateTrigStmt": "CREATE TRIGGER",
    "CreatedbStmt": "CREATE DATABASE",
    "DropdbStmt": "DROP DATABASE",
}


def raise_unsupported(feature: str, position: int = -1) -> NoReturn:
    """Say that PostgreSQL has it and Lungfish has not."""
    raise errors.FeatureNotSupported(
        f"{feature} is not supported", position=position if position >= 0 else None
    )


def require_only(fields: Node, known: frozenset[str], *, position: int = -1) -> None:
    """Raise for the first field of a node that its lowering does not know."""
    if fields.keys() <= known:
        return
    unknown = next(name for name in fields if name not in known)
    place = find_position(fields[unknown])
    raise_unsupported(FEATURES.get(unknown, unknown), place if place >= 0 else position)


def find_position(value: object) -> int:
    """The first place that anything below a node gives; -1 if nothing does."""
    if isinstance(value, dict):
        location = value.get("location")
        if isinstance(location, int) and location >= 0:
            return location
        children: Iterable[object] = value.values()
    elif isinstance(value, list):
        children = value
    else:
        return -1
    for child in children:
        place = find_position(child)
        if place >= 0:
            return place
    return -1


def strings(nodes: Iterable[Node]) -> tuple[str, ...]:
    """The names of a list of String nodes."""
    return tuple([node["String"].get("sval", "") for node in nodes])


def name_without_catalog(nodes: Iterable[Node]) -> tuple[str, ...]:
    """A name; `pg_catalog.`, which the grammar puts before its own functions and types, is taken off."""
    parts = strings(nodes)
    return parts[1:] if len(parts) > 1 and parts[0] == "pg_catalog" else parts


def operator_name(nodes: Iterable[Node], position: int) -> str:
    """An operator's symbol."""
    parts = name_without_catalog(nodes)
    if len(parts) > 1:
        raise_unsupported(f"the schema {parts[0]} of an operator", position)
    return parts[0]


_RELATION_FIELDS = frozenset(
    {"schemaname", "relname", "inh", "relpersistence", "alias", "location", "catalogname"}
)


def object_name(relation: Node) -> ObjectName:
    """The name that a RangeVar holds."""
    require_only(relation, _RELATION_FIELDS)
    position = relation.get("location", 0)
    if "catalogname" in relation:
        name = ".".join([relation["catalogname"], relation["schemaname"], relation["relname"]])
        raise errors.FeatureNotSupported(
            f'cross-database references are not implemented: "{name}"', position=position
        )
    return ObjectName(relation["relname"], relation.get("schemaname"), position)


def object_name_of(parts: tuple[str, ...], position: int = -1) -> ObjectName:
    """A name of one or two parts."""
    if len(parts) == 1:
        return ObjectName(parts[0], None, position)
    if len(parts) == 2:
        return ObjectName(parts[1], parts[0], position)
    raise errors.FeatureNotSupported(
        f"cross-database references are not implemented: {'.'.join(parts)}",
        position=position if position >= 0 else None,
    )
