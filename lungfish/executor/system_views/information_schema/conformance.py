"""Character sets and collations, and what the standard lets a system say of itself.

sql_features has no rows: nobody has gone through the standard feature by feature. docs/sql-support.md says what is supported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lungfish.catalog.chosen_names import NAME_BYTES_MAX
from lungfish.catalog.objects import PG_CATALOG_OID, SystemView
from lungfish.executor.system_views.information_schema.definition import (
    NO_NAME,
    Names,
    standard_of,
)
from lungfish.executor.system_views.object_names import COLLATIONS

if TYPE_CHECKING:
    from lungfish.executor.context import ExecutionContext

Rows = Iterator[tuple[Any, ...]]
_ENCODING = "UTF8"
_SHORTER = "In bytes: fewer characters where they are not ASCII."
# Identifiers, names, and a number or a text each.
_IMPLEMENTATION = (
    ("10003", "CATALOG NAME", None, "Y", None),
    ("10004", "COLLATING SEQUENCE", None, "C", None),
    ("13", "SERVER NAME", None, "", None),
    ("17", "DBMS NAME", None, "Lungfish", None),
    ("2", "DATA SOURCE NAME", None, "", None),
    ("23", "CURSOR COMMIT BEHAVIOR", 1, None, "close cursors and retain prepared statements"),
    ("26", "DEFAULT TRANSACTION ISOLATION", 2, None, "READ COMMITTED; user-settable"),
    ("28", "IDENTIFIER CASE", 3, None, "stored in mixed case - case sensitive"),
    ("46", "TRANSACTION CAPABLE", 2, None, "both DML and DDL"),
    ("85", "NULL COLLATION", 0, None, "nulls higher than non-nulls"),
    ("94", "SPECIAL CHARACTERS", None, "", "all non-ASCII characters allowed"),
)
_NAME_SIZES = (
    (30, "MAXIMUM COLUMN NAME LENGTH"),
    (31, "MAXIMUM CURSOR NAME LENGTH"),
    (32, "MAXIMUM SCHEMA NAME LENGTH"),
    (34, "MAXIMUM CATALOG NAME LENGTH"),
    (35, "MAXIMUM TABLE NAME LENGTH"),
    (10005, "MAXIMUM IDENTIFIER LENGTH"),
)
_PARTS = (
    ("1", "Framework (SQL/Framework)"),
    ("2", "Foundation (SQL/Foundation)"),
    ("3", "Call-Level Interface (SQL/CLI)"),
    ("4", "Persistent Stored Modules (SQL/PSM)"),
    ("9", "Management of External Data (SQL/MED)"),
    ("10", "Object Language Bindings (SQL/OLB)"),
    ("11", "Information and Definition Schema (SQL/Schemata)"),
    ("13", "Routines and Types Using the Java Programming Language (SQL/JRT)"),
    ("14", "XML-Related Specifications (SQL/XML)"),
    ("15", "Multi-Dimensional Arrays (SQL/MDA)"),
    ("16", "Property Graph Queries (SQL/PGQ)"),
)


def _character_sets(context: ExecutionContext) -> Rows:
    collation = Names(context).within(PG_CATALOG_OID, "C")
    yield None, None, _ENCODING, "UCS", _ENCODING, *collation


def _collations(context: ExecutionContext) -> Rows:
    names = Names(context)
    for name in COLLATIONS.values():
        yield *names.within(PG_CATALOG_OID, name), "NO PAD"


def _applicable_character_sets(context: ExecutionContext) -> Rows:
    names = Names(context)
    for name in COLLATIONS.values():
        yield *names.within(PG_CATALOG_OID, name), *NO_NAME[:2], _ENCODING


def _implementation(context: ExecutionContext) -> Rows:
    yield from _IMPLEMENTATION


def _sizing(context: ExecutionContext) -> Rows:
    for number, name in _NAME_SIZES:
        yield number, name, NAME_BYTES_MAX, _SHORTER


def _parts(context: ExecutionContext) -> Rows:
    """No part is supported as a whole."""
    for number, name in _PARTS:
        yield number, name, "NO", None, ""


CONFORMANCE_VIEWS: tuple[SystemView, ...] = (
    standard_of(
        12258,
        "character_sets",
        "character_set*, character_repertoire, form_of_use, default_collate*",
        _character_sets,
    ),
    standard_of(12259, "collations", "collation*, pad_attribute varchar", _collations),
    standard_of(
        12260,
        "collation_character_set_applicability",
        "collation*, character_set*",
        _applicable_character_sets,
    ),
    standard_of(
        12261,
        "sql_features",
        "feature_id varchar, feature_name varchar, sub_feature_id varchar, sub_feature_name varchar,"
        " is_supported flag, is_verified_by varchar, comments varchar",
    ),
    standard_of(
        12262,
        "sql_implementation_info",
        "implementation_info_id varchar, implementation_info_name varchar, integer_value int4,"
        " character_value varchar, comments varchar",
        _implementation,
    ),
    standard_of(
        12263,
        "sql_parts",
        "feature_id varchar, feature_name varchar, is_supported flag, is_verified_by varchar, comments varchar",
        _parts,
    ),
    standard_of(
        12264,
        "sql_sizing",
        "sizing_id int4, sizing_name varchar, supported_value int4, comments varchar",
        _sizing,
    ),
)
