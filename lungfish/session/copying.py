"""COPY: rows from lines and lines from rows; the lines stand in a file, or come from and go to the client.

COPY FROM is one statement: a bad line leaves nothing behind. Values are read as their column's type, columns that are
not listed take their defaults, and the rows go through the same writer as INSERT's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from lungfish.catalog.objects import Column, Table, View
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.catalog.type_uses import domain_default
from lungfish.errors import (
    BadCopyFileFormat,
    DataError,
    DuplicateColumn,
    Error,
    FeatureNotSupported,
    IntegrityError,
    InvalidColumnReference,
    InvalidTextRepresentation,
    ObjectNotInPrerequisiteState,
    ProgrammingError,
    UndefinedColumn,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor import Run, insert_rows
from lungfish.executor.insert import CHUNK_ROW_COUNT
from lungfish.executor.programs import new_compiler
from lungfish.executor.slices import PART_ROW_COUNT
from lungfish.planner import bind_domain_value, bind_row_condition, refuse_several
from lungfish.planner.expressions import OutputColumn
from lungfish.planner.physical import InsertRows, ValuesScan
from lungfish.session.copy_lines import (
    DEFAULT,
    Field,
    encode_line,
    format_lines,
    invalid_bytes,
    read_lines,
)
from lungfish.session.copy_options import CopyOptions, read_options
from lungfish.session.results import StatementResult
from lungfish.session.runner import internal_rows
from lungfish.sql.ast import dml, queries
from lungfish.sql.ast.expressions import Default, Name
from lungfish.storage import LocalDisk
from lungfish.types.casts import read_text
from lungfish.types.encodable import check_encodable
from lungfish.types.sql_type import TEXT, SqlType
from lungfish.types.text_format import format_value
from lungfish.types.text_parse import parse_value

if TYPE_CHECKING:
    from lungfish.executor.compiler import RowEvaluator
    from lungfish.session.session import Session

_SHOWN_LENGTH_MAX = 100
Kept = TypeVar("Kept")


def run_copy(session: Session, statement: dml.Copy) -> StatementResult:
    """Run a COPY. One TO STDOUT answers its lines as rows of one column."""
    if statement.is_program:
        raise FeatureNotSupported("COPY PROGRAM is not supported", position=statement.position)
    options = read_options(statement)
    if statement.is_from:
        return _copy_from(session, statement, options)
    return _copy_to(session, statement, options)


# FROM.


def _copy_from(session: Session, statement: dml.Copy, options: CopyOptions) -> StatementResult:
    assert statement.table is not None, "the grammar has no COPY (query) FROM"
    table = _find_target(session, statement.table)
    if statement.path is None and session.copy_input is None:
        raise ProgrammingError(
            "COPY FROM STDIN cannot be run by execute()", hint="Use connection.copy()."
        )
    session.require_writable(statement)
    positions = _positions(table, statement)
    names = [table.columns[at].name for at in positions]
    for label in ("force_not_null", "force_null"):
        _check_choice(label, getattr(options, label), names, table)
    if options.is_frozen:
        _check_freeze(session, table)
    defaults = _default_row(session, statement.table, table)
    context = session.execution_context()
    reader = _RowReader(table, positions, defaults, options, session, Run(context))
    text = _input_text(session, statement, options)
    rows: Iterable[tuple[Any, ...]] = reader.rows(read_lines(text, options, names))
    if statement.where is not None:
        bound = bind_row_condition(
            statement.where, table, session.catalog, session.settings.search_path
        )
        keeps: RowEvaluator = new_compiler().row(bound)
        run = reader.run
        rows = (row for row in rows if keeps(row, run) is True)
    count = insert_rows(table, rows, context)
    reader.report_skipped()
    return StatementResult(None, f"COPY {count}", count)


def _check_freeze(session: Session, table: Table) -> None:
    """Raise FeatureNotSupported, ObjectNotInPrerequisiteState where FREEZE is known not to be allowed."""
    if table.partition_key is not None:
        raise FeatureNotSupported("cannot perform COPY FREEZE on a partitioned table")
    if not session.is_in_block:
        raise ObjectNotInPrerequisiteState(
            "cannot perform COPY FREEZE because the table was not created or truncated"
            " in the current subtransaction"
        )


def _find_target(session: Session, name: queries.ObjectName) -> Table:
    found = session.catalog.find_relation(name.name, name.schema, session.settings.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    if isinstance(found, View):
        raise WrongObjectType(
            f'cannot copy to view "{found.name}"',
            hint="To enable copying to a view, provide an INSTEAD OF INSERT trigger.",
        )
    if isinstance(found, SequenceObject):
        raise WrongObjectType(f'cannot copy to sequence "{found.name}"')
    if not isinstance(found, Table):
        raise WrongObjectType(f'cannot copy to system view "{found.name}"')
    if found.materialized_query is not None:
        raise WrongObjectType(f'cannot copy to materialized view "{found.name}"')
    return found


def _positions(table: Table, statement: dml.Copy) -> list[int]:
    """The positions of the columns that are copied: those listed, or all but the generated ones."""
    if not statement.columns:
        return [at for at, column in enumerate(table.columns) if column.generated is None]
    positions: list[int] = []
    for name in statement.columns:
        at = table.column_position(name)
        if at is None:
            raise UndefinedColumn(f'column "{name}" of relation "{table.name}" does not exist')
        if table.columns[at].generated is not None:
            raise InvalidColumnReference(
                f'column "{name}" is a generated column',
                detail="Generated columns cannot be used in COPY.",
            )
        if at in positions:
            raise DuplicateColumn(f'column "{name}" specified more than once')
        positions.append(at)
    return positions


def _check_choice(
    label: str, choice: Sequence[str], names: Sequence[str], table: Table | None
) -> None:
    for name in choice:
        if name == "*" or name in names:
            continue
        if table is None:
            raise UndefinedColumn(f'column "{name}" does not exist')
        if table.column_position(name) is None:
            raise UndefinedColumn(f'column "{name}" of relation "{table.name}" does not exist')
        raise InvalidColumnReference(f'{label.upper()} column "{name}" not referenced by COPY')


def _default_row(
    session: Session, name: queries.ObjectName, table: Table
) -> tuple[RowEvaluator, ...]:
    """The evaluators of all columns' defaults: those of INSERT ... VALUES (DEFAULT, ...), which also locks the table."""
    if not table.columns:
        return ()
    row = tuple([Default() for _ in table.columns])
    insert = dml.Insert(queries.TableReference(name), (), queries.Query(queries.Values((row,))))
    root = session.locked_plan(insert, None, ()).plan.root
    assert isinstance(root, InsertRows), "an INSERT's plan"
    assert isinstance(root.input, ValuesScan), "of one row of defaults"
    return new_compiler().rows(root.input.rows[0])


def _input_text(session: Session, statement: dml.Copy, options: CopyOptions) -> str:
    if statement.path is None:
        pieces = session.copy_input or ()
        text = "".join(
            [
                piece if isinstance(piece, str) else _decode(bytes(piece), options)
                for piece in pieces
            ]
        )
        check_encodable(text)
    else:
        file = LocalDisk().open(statement.path)
        try:
            text = _decode(file.read_at(0, file.size()), options)
        finally:
            file.close()
    if "\0" in text:
        raise invalid_bytes(b"\0")
    return text


def _decode(data: bytes, options: CopyOptions) -> str:
    try:
        return data.decode(options.encoding)
    except UnicodeDecodeError as error:
        raise invalid_bytes(data[error.start : error.start + 1]) from None


class _RowReader:
    """Turns fields into whole rows of a table, and counts the lines that it passes over."""

    def __init__(
        self,
        table: Table,
        positions: Sequence[int],
        defaults: Sequence[RowEvaluator],
        options: CopyOptions,
        session: Session,
        run: Run,
    ) -> None:
        self.run = run
        self._table = table
        self._positions = positions
        self._columns = [table.columns[at] for at in positions]
        self._defaults = defaults
        self._missing = [at for at in range(len(table.columns)) if at not in positions]
        self._options = options
        self._session = session
        self._parsers = [field_parser(column.type, session) for column in self._columns]
        self._checks = [_domain_check(column.type, session) for column in self._columns]
        self._has_checks = any(self._checks)
        self._has_default = [_has_default(column, session) for column in self._columns]
        self._is_whole = list(positions) == list(range(len(table.columns)))
        self._skipped_count = 0

    def rows(self, lines: Iterator[list[Field]]) -> Iterator[tuple[Any, ...]]:
        """The rows. Raises BadCopyFileFormat, and DataError unless bad lines are to be ignored."""
        number = 1 if self._options.header == "off" else 2
        progress = self.run.context.cancellation.expect("copying", 0)
        while chunk := list(islice(lines, CHUNK_ROW_COUNT)):
            progress.done += len(chunk)
            yield from self._read_chunk(chunk, number)
            number += len(chunk)

    def _read_chunk(self, chunk: list[list[Field]], number: int) -> Iterator[tuple[Any, ...]]:
        """Column by column if nothing stands against it; else, or to find the bad line, row by row."""
        width = len(self._parsers)
        is_plain = self._options.default is None and not self._options.ignores_errors
        if width and is_plain and self._is_whole and all(len(line) == width for line in chunk):
            try:
                columns = [
                    [None if field is None else parse(field) for field in column]
                    for parse, column in zip(self._parsers, zip(*chunk, strict=True), strict=True)
                ]
                if self._has_checks:
                    self._check_columns(columns)
            except Error:
                pass
            else:
                return zip(*columns, strict=True)
        return self._read_rows(chunk, number)

    def _read_rows(self, chunk: list[list[Field]], first: int) -> Iterator[tuple[Any, ...]]:
        for number, fields in enumerate(chunk, first):
            try:
                row = self._row(fields, number)
            except (DataError, IntegrityError) as error:
                if isinstance(error, BadCopyFileFormat) or not self._options.ignores_errors:
                    raise
                self._skip(error, number)
                continue
            yield row

    def _row(self, fields: list[Field], number: int) -> tuple[Any, ...]:
        columns = self._columns
        place = f"COPY {self._table.name}, line {number}"
        if not columns and fields == [""]:
            fields = []
        if len(fields) > len(columns):
            raise BadCopyFileFormat("extra data after last expected column", detail=place)
        for at, field in enumerate(fields):
            if field is DEFAULT and not self._has_default[at]:
                raise BadCopyFileFormat(
                    "unexpected default marker in COPY data",
                    detail=f'Column "{columns[at].name}" has no default value.',
                )
        row: list[Any] = [None] * len(self._table.columns)
        for at, column, parse, check, field in zip(
            self._positions, columns, self._parsers, self._checks, fields, strict=False
        ):
            if field is DEFAULT:
                row[at] = self._defaults[at]((), self.run)
            elif field is not None or check is not None:
                try:
                    row[at] = None if field is None else parse(field)
                    if check is not None:
                        check((row[at],), self.run)
                except Error as error:
                    shown = "null input" if field is None else f'"{str(field)[:_SHOWN_LENGTH_MAX]}"'
                    if error.detail is None:
                        error.detail = f"{place}, column {column.name}: {shown}"
                    raise
        # What the fields hold that are there is looked at first.
        if len(fields) < len(columns):
            raise BadCopyFileFormat(
                f'missing data for column "{columns[len(fields)].name}"', detail=place
            )
        for at in self._missing:
            row[at] = self._defaults[at]((), self.run)
        return tuple(row)

    def _check_columns(self, columns: Sequence[Sequence[Any]]) -> None:
        """Raise what a value raises that its column's domain does not let through."""
        for check, values in zip(self._checks, columns, strict=True):
            if check is not None:
                for value in values:
                    check((value,), self.run)

    def _skip(self, error: Error, number: int) -> None:
        self._skipped_count += 1
        limit = self._options.reject_limit
        if limit is not None and self._skipped_count > limit:
            raise InvalidTextRepresentation(
                f"skipped more than REJECT_LIMIT ({limit}) rows due to data type incompatibility"
            ) from error
        if self._options.verbosity == "verbose":
            self._session.notice(
                f"skipping row due to data type incompatibility at line {number}: {error.message}"
            )

    def report_skipped(self) -> None:
        """Tell how many lines were passed over."""
        count = self._skipped_count
        if count and self._options.verbosity != "silent":
            rows = "1 row was" if count == 1 else f"{count} rows were"
            self._session.notice(f"{rows} skipped due to data type incompatibility")


def _has_default(column: Column, session: Session) -> bool:
    if column.default is None and column.type.domain is not None:
        return domain_default(column.type, session.catalog) is not None
    return column.default is not None or column.sequence_oid is not None


def field_parser(kind: SqlType, session: Session) -> Callable[[Any], Any]:
    """Reads a field as a value of the type, length and all."""
    settings = session.settings.text
    if kind == TEXT:
        return lambda field: field
    if kind.modifiers:
        base = kind.base
        return lambda field: read_text(field, base, settings)
    return lambda field: parse_value(field, kind, settings)


def _domain_check(kind: SqlType, session: Session) -> RowEvaluator | None:
    """What raises unless a value keeps to the domains that the type is, or holds values of; None if there are none."""
    if kind.domain is None and not kind.holds_domains:
        return None
    return new_compiler().row(
        bind_domain_value(kind, session.catalog, session.settings.search_path)
    )


# TO.


def _copy_to(session: Session, statement: dml.Copy, options: CopyOptions) -> StatementResult:
    query = statement.query
    table: Table | None = None
    if query is None:
        assert statement.table is not None
        table = _find_source(session, statement.table)
        columns = [table.columns[at] for at in _positions(table, statement)]
        query = _select(statement.table, [column.name for column in columns])
    elif not isinstance(query, queries.Query) and query.returning is None:
        raise FeatureNotSupported("COPY query must have a RETURNING clause")
    result = _run_source(session, query)
    names = [column.name for column in result.columns or ()]
    _check_choice("force_quote", options.force_quote, names, table)
    writers = [column.type for column in result.columns or ()]
    settings = session.settings.text
    rows = [
        [
            None if value is None else format_value(value, kind, settings)
            for value, kind in zip(row, writers, strict=True)
        ]
        for row in _looking(session, internal_rows(result))
    ]
    lines = format_lines(_looking(session, rows), options, names)
    tag = f"COPY {len(rows)}"
    if statement.path is None:
        shown = [(line.removesuffix("\n"),) for line in lines]
        return StatementResult((OutputColumn("copy", TEXT),), tag, len(rows), rows=shown)
    _write_file(statement.path, encode_line("".join(lines), options))
    return StatementResult(None, tag, len(rows))


def _looking(session: Session, rows: Iterable[Kept]) -> Iterator[Kept]:
    """The rows; looks every so many of them whether the statement is to stop. Raises QueryCanceled."""
    for number, row in enumerate(rows):
        if not number % PART_ROW_COUNT:
            session.cancellation.check()
        yield row


def _find_source(session: Session, name: queries.ObjectName) -> Table:
    found = session.catalog.find_relation(name.name, name.schema, session.settings.search_path)
    if found is None:
        raise UndefinedTable(f'relation "{name}" does not exist', position=name.position)
    if isinstance(found, Table) and found.partition_key is not None:
        raise WrongObjectType(
            f'cannot copy from partitioned table "{found.name}"',
            hint="Try the COPY (SELECT ...) TO variant.",
        )
    if isinstance(found, Table):
        return found
    what = {View: "view", SequenceObject: "sequence"}.get(type(found), "system view")
    hint = None if what == "sequence" else "Try the COPY (SELECT ...) TO variant."
    raise WrongObjectType(f'cannot copy from {what} "{found.name}"', hint=hint)


def _select(name: queries.ObjectName, columns: Sequence[str]) -> queries.Query:
    """The table's own rows; those of tables that inherit from it are not copied."""
    items = tuple([queries.SelectItem(Name((column,))) for column in columns])
    source = queries.TableReference(name, is_only=True)
    return queries.Query(queries.Select(items, (source,)))


def _run_source(
    session: Session, query: queries.Query | dml.Insert | dml.Update | dml.Delete | dml.Merge
) -> StatementResult:
    cached = session.locked_plan(query, None, ())
    if cached.plan.steps is not None:
        refuse_several([step.origin for step in cached.plan.steps], "COPY")
    if not cached.plan.is_read_only:
        session.require_writable(query)
    return session.run_plan(cached.plan, ())


def _write_file(path: str, data: bytes) -> None:
    file = LocalDisk().open(path, create=True)
    try:
        file.truncate(0)
        file.write_at(0, data)
    finally:
        file.close()
