r"""Lists that are one query each: \dp \db \dA \do \dC \dO \dX \dP \dconfig \dd \dL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lungfish import Connection
from lungfish.repl.describe.pattern import Pattern
from lungfish.repl.describe.query import query, rights_shown
from lungfish.repl.formats import ResultText

_ROLE = "pg_catalog.pg_get_userbyid"
_COLUMN_RIGHTS = """(SELECT string_agg(a.attname || ':' || chr(10) || '  '
                 || pg_catalog.array_to_string(a.attacl, chr(10) || '  '), chr(10) ORDER BY a.attnum)
               FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL) AS "Column privileges\""""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list shows, of what, by which names; the parts are SQL."""

    title: str
    columns: str
    source: str
    # What a pattern is about: one of these is to match.
    names: tuple[str, ...]
    # "" where the list has no schemas.
    schema: str = ""
    visible: str = "true"
    # Behind the columns for `+`.
    more: str = ""
    where: str = "true"
    order: str = "1, 2"
    # What is asked for besides where there is no pattern, and what the list is called then.
    otherwise: str = ""
    title_of_all: str = ""


def list_catalog(
    connection: Connection, what: ListQuery, pattern: Pattern, *, is_verbose: bool
) -> ResultText:
    """The list, of what the pattern matches."""
    columns = what.columns + (f", {what.more}" if is_verbose and what.more else "")
    values: dict[str, object] = {"name": pattern.name}
    if what.schema:
        condition = pattern.conditions(what.schema, what.names[0], what.visible)
        values = pattern.values
    else:
        condition = f"({' OR '.join([f'{name} LIKE :name' for name in what.names])})"
    if what.otherwise and not (pattern.is_given or pattern.has_system):
        condition = f"{condition} AND {what.otherwise}"
    return query(
        connection,
        f"SELECT {columns} FROM {what.source} WHERE {what.where} AND {condition} ORDER BY {what.order}",
        **values,
    )


LISTS: Mapping[str, ListQuery] = MappingProxyType(
    {
        "\\dp": ListQuery(
            "Access privileges",
            """n.nspname AS "Schema", c.relname AS "Name", CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view'
               WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table' END AS "Type", """
            + rights_shown("c.relacl")
            + f", {_COLUMN_RIGHTS}, '' AS \"Policies\"",
            "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
            ("c.relname",),
            "n.nspname",
            "pg_catalog.pg_table_is_visible(c.oid)",
            where="c.relkind IN ('r', 'v', 'm', 'S', 'p')",
        ),
        "\\db": ListQuery(
            "List of tablespaces",
            f'spcname AS "Name", {_ROLE}(spcowner) AS "Owner", pg_catalog.pg_tablespace_location(oid) AS "Location"',
            "pg_catalog.pg_tablespace",
            ("spcname",),
            more=rights_shown("spcacl")
            + """, spcoptions AS "Options", pg_catalog.pg_size_pretty(pg_catalog.pg_tablespace_size(oid)) AS "Size",
                 pg_catalog.shobj_description(oid, 'pg_tablespace') AS "Description\"""",
            order="1",
        ),
        "\\dA": ListQuery(
            "List of access methods",
            "amname AS \"Name\", CASE amtype WHEN 'i' THEN 'Index' WHEN 't' THEN 'Table' END AS \"Type\"",
            "pg_catalog.pg_am",
            ("amname",),
            order="1",
        ),
        "\\do": ListQuery(
            "List of operators",
            """n.nspname AS "Schema", o.oprname AS "Name",
               CASE WHEN o.oprkind <> 'l' THEN pg_catalog.format_type(o.oprleft, NULL) END AS "Left arg type",
               pg_catalog.format_type(o.oprright, NULL) AS "Right arg type",
               pg_catalog.format_type(o.oprresult, NULL) AS "Result type",
               pg_catalog.obj_description(o.oid, 'pg_operator') AS "Description\"""",
            "pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace",
            ("o.oprname",),
            "n.nspname",
            "pg_catalog.pg_operator_is_visible(o.oid)",
            more='o.oprcode AS "Function"',
            order="1, 2, 3, 4",
        ),
        "\\dC": ListQuery(
            "List of casts",
            """pg_catalog.format_type(c.castsource, NULL) AS "Source type", pg_catalog.format_type(c.casttarget, NULL) AS "Target type",
               CASE c.castmethod WHEN 'b' THEN '(binary coercible)' WHEN 'i' THEN '(with inout)' ELSE p.proname END AS "Function",
               CASE c.castcontext WHEN 'e' THEN 'no' WHEN 'a' THEN 'in assignment' ELSE 'yes' END AS "Implicit?\"""",
            "pg_catalog.pg_cast c LEFT JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc"
            " JOIN pg_catalog.pg_type t ON t.oid = c.castsource JOIN pg_catalog.pg_type u ON u.oid = c.casttarget",
            (
                "t.typname",
                "pg_catalog.format_type(t.oid, NULL)",
                "u.typname",
                "pg_catalog.format_type(u.oid, NULL)",
            ),
            order="1, 2",
        ),
        "\\dO": ListQuery(
            "List of collations",
            """n.nspname AS "Schema", c.collname AS "Name",
               CASE c.collprovider WHEN 'd' THEN 'default' WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS "Provider",
               c.collcollate AS "Collate", c.collctype AS "Ctype", c.colllocale AS "Locale", c.collicurules AS "ICU Rules",
               CASE WHEN c.collisdeterministic THEN 'yes' ELSE 'no' END AS "Deterministic?\"""",
            "pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace",
            ("c.collname",),
            "n.nspname",
            "pg_catalog.pg_collation_is_visible(c.oid)",
        ),
        "\\dX": ListQuery(
            "List of extended statistics",
            """n.nspname AS "Schema", s.stxname AS "Name",
               pg_catalog.pg_get_statisticsobjdef_columns(s.oid) || ' FROM ' || s.stxrelid::pg_catalog.regclass::text AS "Definition",
               CASE WHEN 'd' = ANY (s.stxkind) THEN 'defined' END AS "Ndistinct",
               CASE WHEN 'f' = ANY (s.stxkind) THEN 'defined' END AS "Dependencies",
               CASE WHEN 'm' = ANY (s.stxkind) THEN 'defined' END AS "MCV\"""",
            "pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace",
            ("s.stxname",),
            "n.nspname",
            "pg_catalog.pg_statistics_obj_is_visible(s.oid)",
        ),
        "\\dconfig": ListQuery(
            "List of configuration parameters",
            'name AS "Parameter", pg_catalog.current_setting(name) AS "Value"',
            "pg_catalog.pg_settings",
            ("lower(name)",),
            more='vartype AS "Type", context AS "Context", NULL AS "Access privileges"',
            order="1",
            otherwise="source <> 'default' AND setting IS DISTINCT FROM boot_val",
            title_of_all="List of non-default configuration parameters",
        ),
        "\\dd": ListQuery(
            "Object descriptions",
            'n.nspname AS "Schema", d.name AS "Name", d.object AS "Object", d.description AS "Description"',
            """(SELECT k.connamespace AS namespace, k.conname AS name, CASE WHEN k.conrelid = 0 THEN 'domain constraint'
                  ELSE 'table constraint' END AS object, pg_catalog.obj_description(k.oid, 'pg_constraint') AS description
                FROM pg_catalog.pg_constraint k
                UNION ALL
                SELECT c.relnamespace, r.rulename, 'rule', pg_catalog.obj_description(r.oid, 'pg_rewrite')
                FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN') d
               JOIN pg_catalog.pg_namespace n ON n.oid = d.namespace""",
            ("d.name",),
            "n.nspname",
            where="d.description IS NOT NULL",
            order="1, 2, 3",
        ),
        "\\dP": ListQuery(
            "List of partitioned relations",
            f"""n.nspname AS "Schema", c.relname AS "Name", {_ROLE}(c.relowner) AS "Owner",
               CASE c.relkind WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END AS "Type",
               i.indrelid::pg_catalog.regclass AS "Table\"""",
            "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            " LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid",
            ("c.relname",),
            "n.nspname",
            "pg_catalog.pg_table_is_visible(c.oid)",
            where="c.relkind IN ('p', 'I') AND NOT c.relispartition",
            order='1, "Type" DESC, 2',
        ),
        "\\dL": ListQuery(
            "List of languages",
            f"""lanname AS "Name", {_ROLE}(lanowner) AS "Owner", lanpltrusted AS "Trusted",
               pg_catalog.obj_description(oid, 'pg_language') AS "Description\"""",
            "pg_catalog.pg_language",
            ("lanname",),
            order="1",
            otherwise="lanispl",
        ),
    }
)
