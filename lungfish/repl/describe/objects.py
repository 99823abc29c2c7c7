r"""Lists of what is no relation: \dn \df \da \dT \dD \dE \dx \du \l."""

from __future__ import annotations

import re

from lungfish import Connection
from lungfish.connection import RoutineFacts
from lungfish.repl.describe.pattern import SYSTEM_SCHEMAS, Pattern
from lungfish.repl.describe.query import query, rights_shown
from lungfish.repl.formats import ResultText

_DATABASE_SIZE = """SELECT pg_catalog.pg_size_pretty(CAST(sum(pg_catalog.pg_total_relation_size(c.oid)) AS bigint))
    FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'm')"""


def list_schemas(connection: Connection, pattern: Pattern, *, is_verbose: bool) -> ResultText:
    r"""\dn."""
    verbose = (
        f", {rights_shown('nspacl')}, pg_catalog.obj_description(oid, 'pg_namespace') AS \"Description\""
        if is_verbose
        else ""
    )
    own = (
        ""
        if pattern.has_system or pattern.is_given
        else (f"AND nspname NOT IN {SYSTEM_SCHEMAS} AND nspname NOT LIKE 'pg\\_%'")
    )
    return query(
        connection,
        f"""SELECT nspname AS "Name", pg_catalog.pg_get_userbyid(nspowner) AS "Owner"{verbose}
            FROM pg_catalog.pg_namespace WHERE nspname LIKE :name {own} ORDER BY 1""",
        name=pattern.name,
    )


def list_types(connection: Connection, pattern: Pattern, *, is_verbose: bool) -> ResultText:
    r"""\dT."""
    verbose = (
        """, t.typname AS "Internal name",
           CASE WHEN t.typtype = 'c' THEN 'tuple' WHEN t.typlen < 0 THEN 'var' ELSE CAST(t.typlen AS text) END AS "Size",
           (SELECT string_agg(e.enumlabel, chr(10) ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
             AS "Elements", pg_catalog.pg_get_userbyid(t.typowner) AS "Owner", """
        + rights_shown("t.typacl")
        if is_verbose
        else ""
    )
    condition = pattern.conditions("n.nspname", "t.typname", "pg_catalog.pg_type_is_visible(t.oid)")
    return query(
        connection,
        f"""SELECT n.nspname AS "Schema", pg_catalog.format_type(t.oid, NULL) AS "Name"{verbose},
              pg_catalog.obj_description(t.oid, 'pg_type') AS "Description"
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
            WHERE (t.typrelid = 0 OR c.relkind = 'c') AND t.typcategory <> 'A' AND {condition} ORDER BY 1, 2""",
        **pattern.values,
    )


def list_domains(connection: Connection, pattern: Pattern, *, is_verbose: bool) -> ResultText:
    r"""\dD."""
    verbose = (
        f", {rights_shown('t.typacl')}, pg_catalog.obj_description(t.oid, 'pg_type') AS \"Description\""
        if is_verbose
        else ""
    )
    condition = pattern.conditions("n.nspname", "t.typname", "pg_catalog.pg_type_is_visible(t.oid)")
    return query(
        connection,
        f"""SELECT n.nspname AS "Schema", t.typname AS "Name", pg_catalog.format_type(t.typbasetype, t.typtypmod) AS "Type",
              (SELECT c.collname FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
               WHERE c.oid = t.typcollation AND t.typcollation <> b.typcollation) AS "Collation", CASE WHEN t.typnotnull THEN 'not null' END AS "Nullable", t.typdefault AS "Default",
              (SELECT string_agg(pg_catalog.pg_get_constraintdef(k.oid, true), ' ') FROM pg_catalog.pg_constraint k
               WHERE k.contypid = t.oid AND k.contype = 'c') AS "Check"{verbose}
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            WHERE t.typtype = 'd' AND {condition} ORDER BY 1, 2""",
        **pattern.values,
    )


def list_databases(connection: Connection, path: str, *, is_verbose: bool) -> ResultText:
    r"""\l: the database that is open, with its file."""
    size = f', ({_DATABASE_SIZE}) AS "Size"' if is_verbose else ""
    return query(
        connection,
        f"""SELECT datname AS "Name", pg_catalog.pg_get_userbyid(datdba) AS "Owner", 'UTF8' AS "Encoding",
              datcollate AS "Collate", datctype AS "Ctype", :path AS "File"{size} FROM pg_catalog.pg_database ORDER BY 1""",
        path=path,
    )


def list_roles(connection: Connection) -> ResultText:
    r"""\du."""
    return query(
        connection,
        """SELECT rolname AS "Role name", concat_ws(', ', CASE WHEN rolsuper THEN 'Superuser' END,
             CASE WHEN NOT rolinherit THEN 'No inheritance' END, CASE WHEN rolcreaterole THEN 'Create role' END,
             CASE WHEN rolcreatedb THEN 'Create DB' END, CASE WHEN NOT rolcanlogin THEN 'Cannot login' END,
             CASE WHEN rolreplication THEN 'Replication' END, CASE WHEN rolbypassrls THEN 'Bypass RLS' END) AS "Attributes"
           FROM pg_catalog.pg_roles WHERE rolname NOT LIKE 'pg\\_%' ORDER BY 1""",
    )


def list_default_privileges(connection: Connection) -> ResultText:
    r"""\ddp."""
    return query(
        connection,
        f"""SELECT pg_catalog.pg_get_userbyid(d.defaclrole) AS "Owner", n.nspname AS "Schema",
             CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'function'
               WHEN 'T' THEN 'type' WHEN 'n' THEN 'schema' END AS "Type",
             {rights_shown("d.defaclacl")}
           FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
           ORDER BY 1, 2, 3""",
    )


def list_memberships(connection: Connection) -> ResultText:
    r"""\drg."""
    return query(
        connection,
        """SELECT m.rolname AS "Role name", r.rolname AS "Member of",
             concat_ws(', ', CASE WHEN a.admin_option THEN 'ADMIN' END, CASE WHEN a.inherit_option THEN 'INHERIT' END,
               CASE WHEN a.set_option THEN 'SET' END) AS "Options", g.rolname AS "Grantor"
           FROM pg_catalog.pg_roles m JOIN pg_catalog.pg_auth_members a ON a.member = m.oid
             JOIN pg_catalog.pg_roles r ON r.oid = a.roleid JOIN pg_catalog.pg_roles g ON g.oid = a.grantor
           WHERE m.rolname NOT LIKE 'pg\\_%' ORDER BY 1, 2, 4""",
    )


def list_extensions(connection: Connection) -> ResultText:
    r"""\dx."""
    return query(
        connection,
        """SELECT e.extname AS "Name", e.extversion AS "Version", n.nspname AS "Schema",
             pg_catalog.obj_description(e.oid, 'pg_extension') AS "Description"
           FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace ORDER BY 1""",
    )


def list_functions(
    connection: Connection, pattern: Pattern, kinds: str, *, is_verbose: bool
) -> ResultText:
    r"""\df and \da: signatures whose kind begins with one of the letters: func, agg, window."""
    names, schemas = _regex(pattern.name), _regex(pattern.schema)
    found = [
        each
        for each in connection.routines()
        if each.kind[0] in kinds
        and names.fullmatch(each.name)
        and schemas.fullmatch(each.schema)
        and (pattern.has_system or pattern.is_given or each.schema not in SYSTEM_SCHEMAS)
    ]
    found.sort(key=lambda each: (each.schema, each.name, each.arguments))
    columns = ["Schema", "Name", "Result data type", "Argument data types", "Type"]
    rows = [[each.schema, each.name, each.result, each.arguments, each.kind] for each in found]
    if is_verbose:
        columns += ["Volatility", "Language", "Source code", "Description"]
        for row, each in zip(rows, found, strict=True):
            row += _more(each)
    return ResultText(tuple(columns), ("text",) * len(columns), rows)


def _more(routine: RoutineFacts) -> list[str]:
    language = "internal" if routine.body is None else "sql"
    return [routine.volatility, language, routine.body or "", routine.description or ""]


def _regex(like: str) -> re.Pattern[str]:
    """A LIKE pattern for Python."""
    pieces = re.findall(r"\\.|.", like, re.DOTALL)
    words = {"%": ".*", "_": "."}
    return re.compile(
        "".join([words.get(each) or re.escape(each[-1]) for each in pieces]), re.DOTALL
    )
