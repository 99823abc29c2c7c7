"""How a view of information_schema is written down, and how the standard names things: by catalog, schema and name.

PostgreSQL's domains over the types (sql_identifier, yes_or_no, ...) are not there: columns have the types beneath.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lungfish.catalog.objects import INFORMATION_SCHEMA_OID, Oid, SystemView
from lungfish.executor.system_views.definition import Rows, columns_of, system_view

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

# Catalog, schema, name.
FullName = tuple[str, str, str]
NO_NAME = (None, None, None)
# Columns that stand together in several views.
LENGTHS = "character_maximum_length int4, character_octet_length int4"
NUMBERS = "numeric_precision int4, numeric_precision_radix int4, numeric_scale int4"
TIMES = "datetime_precision int4, interval_type varchar, interval_precision int4"
TYPE = f"data_type varchar, {LENGTHS}, character_set*, collation*, {NUMBERS}, {TIMES}"
SCOPE = "scope*, maximum_cardinality int4, dtd_identifier"


class Named(Protocol):
    """What stands in a schema."""

    @property
    def name(self) -> str: ...
    @property
    def namespace_oid(self) -> Oid: ...


class Names:
    """The names of objects, as the statement sees them."""

    __slots__ = ("catalog", "database", "search_path")

    def __init__(self, context: ExecutionContext) -> None:
        self.catalog = context.catalog
        self.search_path: tuple[str, ...] = context.functions.session_fact("search_path")
        self.database = str(context.functions.session_fact("current_database"))

    def of(self, item: Named) -> FullName:
        """The full name of an object."""
        return self.within(item.namespace_oid, item.name)

    def within(self, namespace_oid: Oid, name: str) -> FullName:
        """The full name of what goes by that name in the schema."""
        return self.database, self.catalog.namespace_name(namespace_oid), name


def no_rows(context: ExecutionContext) -> tuple[()]:
    """Of what Lungfish has nothing of."""
    return ()


def standard_of(oid: int, name: str, columns: str, rows: Rows = no_rows) -> SystemView:
    """A view with its columns as `columns_of` reads them, and shorter: `x*` stands for the full name x_catalog, x_schema, x_name,
    and a column without a type is a name."""
    return system_view(oid, name, INFORMATION_SCHEMA_OID, columns_of(_written_out(columns)), rows)


def _written_out(columns: str) -> str:
    found = []
    for part in map(str.strip, columns.split(",")):
        if part.endswith("*"):
            found += [f"{part[:-1]}_{each} name" for each in ("catalog", "schema", "name")]
        else:
            found.append(part if " " in part else f"{part} name")
    return ", ".join(found)


def yes_or_no(*, is_so: bool) -> str:
    """A boolean as information_schema has it."""
    return "YES" if is_so else "NO"
