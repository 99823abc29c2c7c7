r"""What `\h` shows: the statements that Lungfish has, each with its form in short."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STATEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "ALTER TABLE": "ALTER TABLE name { ADD [COLUMN] ... | DROP [COLUMN] name | ALTER [COLUMN] name ... "
        "| ADD CONSTRAINT ... | DROP CONSTRAINT name | RENAME ... } [, ...]",
        "ANALYZE": "ANALYZE [table [, ...]]",
        "BACKUP": "BACKUP TO 'file' [INCREMENTAL FROM 'earlier backup'] [(OVERWRITE, VERIFY)]",
        "BEGIN": "BEGIN [ISOLATION LEVEL { READ COMMITTED | REPEATABLE READ | SERIALIZABLE }] [READ ONLY | READ WRITE] [DEFERRABLE]",
        "CHECKPOINT": "CHECKPOINT [(MODE { FAST | SPREAD | PASSIVE }, DRY_RUN, WAIT, NAME 'text', ...)]",
        "COMMIT": "COMMIT [AND CHAIN]",
        "COPY": "COPY table [(column [, ...])] FROM STDIN [WITH (FORMAT { text | csv }, HEADER, DELIMITER 'c', NULL 'text')]",
        "CREATE INDEX": "CREATE [UNIQUE] INDEX [name] ON table ({ column | (expression) } [DESC] [NULLS FIRST] [, ...]) "
        "[INCLUDE (...)] [WHERE predicate]",
        "CREATE SCHEMA": "CREATE SCHEMA [IF NOT EXISTS] name",
        "CREATE SEQUENCE": "CREATE SEQUENCE [IF NOT EXISTS] name [START n] [INCREMENT n] [MINVALUE n] [MAXVALUE n] [CYCLE]",
        "CREATE TABLE": "CREATE TABLE [IF NOT EXISTS] name (column type [DEFAULT x] [NOT NULL] [PRIMARY KEY] [UNIQUE] "
        "[CHECK (...)] [REFERENCES ...] [, ...] [, table_constraint])",
        "CREATE TABLE AS": "CREATE TABLE name [(column, ...)] AS query [WITH [NO] DATA]",
        "CREATE VIEW": "CREATE [OR REPLACE] VIEW name [(column, ...)] AS query",
        "DELETE": "[WITH ...] DELETE FROM table [USING ...] [WHERE condition] [RETURNING ...]",
        "DROP": "DROP { TABLE | VIEW | INDEX | SEQUENCE | SCHEMA } [IF EXISTS] name [, ...] [CASCADE | RESTRICT]",
        "EXPLAIN": "EXPLAIN [(ANALYZE, FORMAT { TEXT | JSON }, ...)] statement",
        "EXPLAIN RECOVERY": "EXPLAIN [(FORMAT JSON)] RECOVERY",
        "INSERT": "[WITH ...] INSERT INTO table [(column, ...)] { VALUES (...), ... | query | DEFAULT VALUES } "
        "[ON CONFLICT ...] [RETURNING ...]",
        "RESTORE": "RESTORE FROM 'file' TO 'database' [LSN 'lsn' | TIME 'timestamp' | NAME 'name'] [DRY RUN] "
        "[(ARCHIVE 'folder', WAL 'folder', OVERWRITE)]",
        "ROLLBACK": "ROLLBACK [TO [SAVEPOINT] name]",
        "SAVEPOINT": "SAVEPOINT name",
        "SELECT": "[WITH ...] SELECT [DISTINCT] ... [FROM ...] [WHERE ...] [GROUP BY ...] [HAVING ...] [WINDOW ...] "
        "[UNION | INTERSECT | EXCEPT ...] [ORDER BY ...] [LIMIT n] [OFFSET n] [FOR UPDATE]",
        "SET": "SET [LOCAL] name TO value",
        "SHOW": "SHOW { name | ALL }",
        "TRUNCATE": "TRUNCATE table [, ...] [RESTART IDENTITY] [CASCADE]",
        "UPDATE": "[WITH ...] UPDATE table SET column = value [, ...] [FROM ...] [WHERE condition] [RETURNING ...]",
        "VERIFY BACKUP": "VERIFY BACKUP 'file'",
        "VALUES": "VALUES (expression, ...) [, ...] [ORDER BY ...]",
    }
)
