"""A small catalog with made-up sizes, and statements planned over it: what the planner's tests share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lungfish.catalog.catalog import Catalog
from lungfish.catalog.objects import (
    PUBLIC_OID,
    Column,
    Constraint,
    Index,
    IndexColumn,
    Oid,
    Table,
    View,
)
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.planner import explain, plan_statement
from lungfish.planner.binder import bind_statement, new_state
from lungfish.planner.logical import LogicalStatement
from lungfish.planner.physical import PhysicalPlan, PhysicalStatement
from lungfish.sql import parse
from lungfish.sql.ast import Statement
from lungfish.types.sql_type import (
    BIGINT,
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    SqlType,
    TypeKind,
)

VARCHAR_10 = SqlType(TypeKind.VARCHAR, (10,))
CHAR_3 = SqlType(TypeKind.CHAR, (3,))
NUMERIC_8_2 = SqlType(TypeKind.NUMERIC, (8, 2))


class FixedStatistics:
    """Row counts and distinct counts as given."""

    def __init__(
        self,
        rows: Mapping[str, float],
        distinct: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self._rows = rows
        self._distinct = distinct or {}

    def row_count(self, table: Table) -> float:
        """The given count, else 1000."""
        return self._rows.get(table.name, 1000.0)

    def distinct_count(self, table: Table, column_number: int) -> float | None:
        """The given count, if there is one."""
        column = table.columns[table.position_of_number(column_number)]
        return self._distinct.get((table.name, column.name))


class TableMaker:
    """Numbers tables and indexes."""

    def __init__(self) -> None:
        self._next = 20_000

    def _oid(self) -> Oid:
        self._next += 1
        return Oid(self._next)

    def table(
        self,
        name: str,
        columns: Mapping[str, SqlType],
        *,
        key: Sequence[str] = (),
        not_null: Sequence[str] = (),
        indexes: Sequence[Sequence[str]] = (),
        unique: Sequence[Sequence[str]] = (),
        defaults: Mapping[str, str] | None = None,
    ) -> Table:
        """A table; an index column ending in `-` is descending."""
        oid = self._oid()
        numbers = {column: number for number, column in enumerate(columns, 1)}
        found = tuple(
            Column(
                column,
                kind,
                numbers[column],
                is_not_null=column in key or column in not_null,
                default=(defaults or {}).get(column),
            )
            for column, kind in columns.items()
        )
        made: list[Index] = []
        constraints: list[Constraint] = []
        if key:
            made.append(self._index(f"{name}_pkey", oid, key, columns, is_unique=True))
            constraints.append(
                Constraint(
                    self._oid(),
                    f"{name}_pkey",
                    "primary key",
                    tuple(numbers[column] for column in key),
                    index_oid=made[0].oid,
                )
            )
        for group, is_unique in ((indexes, False), (unique, True)):
            for each in group:
                label = "_".join(column.rstrip("-") for column in each)
                suffix = "key" if is_unique else "idx"
                made.append(
                    self._index(f"{name}_{label}_{suffix}", oid, each, columns, is_unique=is_unique)
                )
        return Table(
            oid,
            name,
            PUBLIC_OID,
            int(oid),
            found,
            tuple(columns.values()),
            tuple(range(len(columns))),
            tuple(made),
            tuple(constraints),
            next_column_number=len(columns) + 1,
        )

    def _index(
        self,
        name: str,
        table: Oid,
        keys: Sequence[str],
        columns: Mapping[str, SqlType],
        *,
        is_unique: bool,
    ) -> Index:
        oid = self._oid()
        numbers = {column: number for number, column in enumerate(columns, 1)}
        parts = []
        for key in keys:
            column = key.rstrip("-")
            is_descending = key.endswith("-")
            parts.append(
                IndexColumn(
                    numbers[column],
                    is_descending=is_descending,
                    nulls_first=is_descending,
                    type=columns[column],
                )
            )
        return Index(oid, name, PUBLIC_OID, table, int(oid), tuple(parts), is_unique=is_unique)

    def view(self, name: str, query: str, columns: Mapping[str, SqlType]) -> View:
        """A view of that query."""
        found = tuple(
            Column(column, kind, number) for number, (column, kind) in enumerate(columns.items(), 1)
        )
        return View(self._oid(), name, PUBLIC_OID, found, query)

    def sequence(self, name: str) -> SequenceObject:
        """A sequence."""
        return SequenceObject(self._oid(), name, PUBLIC_OID, BIGINT)


def make_catalog() -> Catalog:
    """Customers, orders and items, and a few tables without any meaning."""
    maker = TableMaker()
    objects = (
        maker.table(
            "customer",
            {"id": INTEGER, "name": TEXT, "code": VARCHAR_10, "city": TEXT, "since": DATE},
            key=["id"],
            not_null=["name"],
            indexes=[["name"], ["since"]],
            unique=[["code"]],
        ),
        maker.table(
            "orders",
            {
                "id": BIGINT,
                "customer_id": INTEGER,
                "placed": TIMESTAMP,
                "total": NUMERIC_8_2,
                "is_paid": BOOLEAN,
            },
            key=["id"],
            not_null=["placed"],
            indexes=[["customer_id", "placed-"], ["placed"]],
        ),
        maker.table(
            "item",
            {"order_id": BIGINT, "line": INTEGER, "product": TEXT, "price": NUMERIC_8_2},
            key=["order_id", "line"],
            indexes=[["product"]],
        ),
        maker.table("a", {"x": INTEGER, "y": INTEGER, "z": TEXT}),
        maker.table("b", {"x": INTEGER, "y": BIGINT, "w": DOUBLE}),
        maker.table("c", {"x": INTEGER, "y": INTEGER, "flag": CHAR_3}, not_null=["x"]),
        maker.table(
            "defaults",
            {"id": INTEGER, "label": VARCHAR_10, "amount": NUMERIC_8_2},
            key=["id"],
            defaults={"label": "'none'", "amount": "1 + 1"},
        ),
        maker.view(
            "paid",
            "SELECT id, total FROM orders WHERE is_paid",
            {"id": BIGINT, "total": NUMERIC_8_2},
        ),
        maker.sequence("counter"),
    )
    catalog = Catalog.empty([])
    for each in objects:
        catalog = catalog.with_object(each)
    return catalog


CATALOG = make_catalog()
STATISTICS = FixedStatistics(
    {"customer": 1000, "orders": 10_000, "item": 50_000, "a": 100, "b": 200, "c": 300},
    {("customer", "city"): 20, ("orders", "customer_id"): 900, ("item", "order_id"): 10_000},
)


def parse_statement(sql: str) -> Statement:
    """The one statement of the text."""
    return parse(sql)[0].statement


def plan(sql: str, *, parameter_types: Sequence[SqlType | None] = ()) -> PhysicalStatement:
    """The statement planned over the small catalog."""
    return plan_statement(
        parse_statement(sql), CATALOG, parameter_types=parameter_types, statistics=STATISTICS
    )


def bind(sql: str, *, parameter_types: Sequence[SqlType | None] = ()) -> LogicalStatement:
    """The statement bound over the small catalog."""
    return bind_statement(parse_statement(sql), new_state(CATALOG, ("public",), parameter_types))


def explained(sql: str) -> list[str]:
    """EXPLAIN (COSTS OFF) of the statement."""
    return explain(plan(sql), with_costs=False)


def root_of(sql: str) -> PhysicalPlan:
    """The root node of the statement's plan."""
    return plan(sql).root
