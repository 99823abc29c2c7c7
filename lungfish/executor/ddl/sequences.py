"""CREATE SEQUENCE and ALTER SEQUENCE: the declaration. Running values are storage's affair."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import replace

from lungfish.catalog.objects import Oid, Sequence, Table
from lungfish.errors import (
    DuplicateTable,
    Error,
    FeatureNotSupported,
    InvalidParameterValue,
    ObjectNotInPrerequisiteState,
    SyntaxError,
    UndefinedObject,
    UndefinedTable,
)
from lungfish.executor.ddl.context import DdlContext
from lungfish.executor.ddl.names import (
    choose_relation_name,
    find_column,
    find_sequence,
    find_table,
)
from lungfish.sql.ast.ddl import AlterSequence, CreateSequence, SequenceOption
from lungfish.sql.ast.queries import ObjectName
from lungfish.sql.lowering import object_name_of
from lungfish.sql.quoting import quote_identifier
from lungfish.types.sql_type import BIGINT, INTEGER, SMALLINT, SqlType
from lungfish.types.type_names import type_by_name

_TYPES = {"smallint": SMALLINT, "integer": INTEGER, "bigint": BIGINT}
_BITS = {SMALLINT: 15, INTEGER: 31, BIGINT: 63}


def create_sequence(context: DdlContext, statement: CreateSequence) -> str:
    """Run CREATE SEQUENCE; answers the command tag."""
    _refuse_name(statement.options)
    namespace = context.namespace_for(statement.name, statement.persistence)
    if context.catalog.name_is_taken(namespace.oid, statement.name.name):
        if statement.if_not_exists:
            context.runner.notice(f'relation "{statement.name.name}" already exists, skipping')
            return "CREATE SEQUENCE"
        raise DuplicateTable(
            f'relation "{statement.name.name}" already exists', position=statement.name.position
        )
    sequence = make_sequence(
        context.change.new_oid(),
        statement.name.name,
        namespace.oid,
        statement.options,
        default_type=BIGINT,
    )
    sequence = _own(context, sequence, statement.options)
    store_sequence(context, sequence)
    return "CREATE SEQUENCE"


def sequence_name_of(
    context: DdlContext, table: Table, column: str, options: SequenceOf[SequenceOption]
) -> str:
    """The name of a column's new sequence: what SEQUENCE NAME says, or one made of the table's name and the column's."""
    said = next((each for each in options if each.name == "sequence_name"), None)
    if said is None:
        return choose_relation_name(context, table.namespace_oid, table.name, column, "seq")
    path = object_name_of(said.parts, said.position)
    if path.schema is not None:
        _require_schema_of(context, table, path)
    if context.catalog.name_is_taken(table.namespace_oid, path.name):
        raise DuplicateTable(f'relation "{path.name}" already exists', position=said.position)
    return path.name


def _require_schema_of(context: DdlContext, table: Table, path: ObjectName) -> None:
    """Raise what is wrong with a new column's sequence in another schema than that of its table."""
    namespace = context.namespace_for(path)
    if namespace.oid == table.namespace_oid:
        return
    elsewhere = replace(path, name=table.name)
    # PostgreSQL looks for a table of that name beside the sequence, and goes on with one that is nobody's intent.
    if context.catalog.find_relation(elsewhere.name, elsewhere.schema, ()) is None:
        raise UndefinedTable(f'relation "{elsewhere}" does not exist', position=path.position)
    raise FeatureNotSupported(
        f'a sequence in schema "{namespace.name}" for a column of table "{table.name}" of another schema is not supported',
        position=path.position,
    )


def _refuse_name(options: SequenceOf[SequenceOption]) -> None:
    """Raise SyntaxError for SEQUENCE NAME, which only new identity columns have."""
    for option in options:
        if option.name == "sequence_name":
            raise SyntaxError(
                "invalid sequence option SEQUENCE NAME",
                position=option.position,
            )


def store_sequence(context: DdlContext, sequence: Sequence) -> None:
    """Add a new sequence to the catalog and set it to its start."""
    context.change.put(sequence)
    context.runner.begin_sequence(sequence, sequence.start)


def restart_sequence(context: DdlContext, sequence: Sequence, value: int) -> None:
    """Let a sequence, maybe declared anew, go on at a value."""
    restarted = replace(sequence, state_oid=context.change.new_oid())
    context.change.put(restarted)
    context.runner.begin_sequence(restarted, value)


def alter_sequence(context: DdlContext, statement: AlterSequence) -> str:
    """Run ALTER SEQUENCE; answers the command tag."""
    name = statement.name
    if (
        statement.if_exists
        and context.catalog.find_relation(name.name, name.schema, context.search_path) is None
    ):
        context.runner.notice(f'relation "{name}" does not exist, skipping')
        return "ALTER SEQUENCE"
    change_sequence(context, find_sequence(context, name).oid, statement.options)
    return "ALTER SEQUENCE"


def change_sequence(context: DdlContext, oid: Oid, options: SequenceOf[SequenceOption]) -> None:
    """Declare a sequence anew, and restart it where the options say so."""
    sequence = context.catalog.object(oid)
    assert isinstance(sequence, Sequence)
    changed = _own(context, _apply(sequence, options), options)
    _check(changed)
    restarts = [option for option in options if option.name == "restart"]
    if not restarts:
        schema = quote_identifier(context.catalog.namespace_name(sequence.namespace_oid))
        name = f"{schema}.{quote_identifier(sequence.name)}"
        ((last,),) = context.runner.query(f"SELECT last_value FROM {name}")
        _require_within(int(last), changed)
    context.change.put(changed)
    for option in restarts:
        value = changed.start if option.value is None else int(option.value)
        _require_within(value, changed)
        restart_sequence(context, changed, value)


def _require_within(value: int, sequence: Sequence) -> None:
    if value < sequence.minimum:
        raise InvalidParameterValue(
            f"RESTART value ({value}) cannot be less than MINVALUE ({sequence.minimum})"
        )
    if value > sequence.maximum:
        raise InvalidParameterValue(
            f"RESTART value ({value}) cannot be greater than MAXVALUE ({sequence.maximum})"
        )


def make_sequence(
    oid: Oid,
    name: str,
    namespace_oid: Oid,
    options: SequenceOf[SequenceOption],
    *,
    default_type: SqlType,
) -> Sequence:
    """A sequence as declared, with PostgreSQL's defaults. Raises InvalidParameterValue where they contradict."""
    given = {option.name: option for option in options}
    kind = _type_named(given["as"]) if "as" in given else default_type
    largest = 2 ** _BITS[kind] - 1
    increment = _number(given.get("increment"), 1)
    ascends = increment > 0
    minimum = _number(given.get("minvalue"), 1 if ascends else -largest - 1)
    maximum = _number(given.get("maxvalue"), largest if ascends else -1)
    sequence = Sequence(
        oid,
        name,
        namespace_oid,
        kind,
        start=_number(given.get("start"), minimum if ascends else maximum),
        increment=increment,
        minimum=minimum,
        maximum=maximum,
        cache=_number(given.get("cache"), 1),
        is_cycle="cycle" in given and bool(given["cycle"].value),
    )
    _check(sequence)
    return sequence


def _type_named(option: SequenceOption) -> SqlType:
    name = str(option.value)
    if name not in _TYPES:
        try:
            type_by_name(name, ())
        except Error:
            raise UndefinedObject(f'type "{name}" does not exist') from None
        if type_by_name(name, ()) is None:
            raise UndefinedObject(f'type "{name}" does not exist')
        raise InvalidParameterValue("sequence type must be smallint, integer, or bigint")
    return _TYPES[name]


def _apply(sequence: Sequence, options: SequenceOf[SequenceOption]) -> Sequence:
    _refuse_name(options)
    # Limits that are left to the type and the direction are those of the new ones, wherever these are written.
    for option in sorted(options, key=lambda each: each.name not in ("as", "increment")):
        match option.name:
            case "as":
                kind = _type_named(option)
                old, new = 2 ** _BITS[sequence.type] - 1, 2 ** _BITS[kind] - 1
                maximum = new if sequence.maximum == old else sequence.maximum
                minimum = -new - 1 if sequence.minimum == -old - 1 else sequence.minimum
                sequence = replace(sequence, type=kind, maximum=maximum, minimum=minimum)
            case "increment":
                sequence = replace(sequence, increment=_number(option, 1))
            case "minvalue":
                default = 1 if sequence.increment > 0 else -(2 ** _BITS[sequence.type])
                sequence = replace(sequence, minimum=_number(option, default))
            case "maxvalue":
                default = 2 ** _BITS[sequence.type] - 1 if sequence.increment > 0 else -1
                sequence = replace(sequence, maximum=_number(option, default))
            case "start":
                sequence = replace(sequence, start=_number(option, sequence.start))
            case "cache":
                sequence = replace(sequence, cache=_number(option, 1))
            case "cycle":
                sequence = replace(sequence, is_cycle=bool(option.value))
    return sequence


def _number(option: SequenceOption | None, default: int) -> int:
    """The option's number; NO MINVALUE and NO MAXVALUE (value None) mean the default."""
    if option is None or option.value is None:
        return default
    return int(option.value)


def _check(sequence: Sequence) -> None:
    if sequence.increment == 0:
        raise InvalidParameterValue("INCREMENT must not be zero")
    largest = 2 ** _BITS[sequence.type] - 1
    if sequence.maximum > largest or sequence.maximum < -largest - 1:
        raise InvalidParameterValue(
            f"MAXVALUE ({sequence.maximum}) is out of range for sequence data type {sequence.type}"
        )
    if sequence.minimum < -largest - 1 or sequence.minimum > largest:
        raise InvalidParameterValue(
            f"MINVALUE ({sequence.minimum}) is out of range for sequence data type {sequence.type}"
        )
    if sequence.minimum >= sequence.maximum:
        raise InvalidParameterValue(
            f"MINVALUE ({sequence.minimum}) must be less than MAXVALUE ({sequence.maximum})"
        )
    if sequence.start < sequence.minimum:
        raise InvalidParameterValue(
            f"START value ({sequence.start}) cannot be less than MINVALUE ({sequence.minimum})"
        )
    if sequence.start > sequence.maximum:
        raise InvalidParameterValue(
            f"START value ({sequence.start}) cannot be greater than MAXVALUE ({sequence.maximum})"
        )
    if sequence.cache <= 0:
        raise InvalidParameterValue(f"CACHE ({sequence.cache}) must be greater than zero")


def _own(context: DdlContext, sequence: Sequence, options: SequenceOf[SequenceOption]) -> Sequence:
    for option in options:
        if option.name != "owned_by":
            continue
        _refuse_identity(context, sequence, option)
        if not option.parts:
            return replace(sequence, owner_table_oid=None, owner_column=None)
        *table_parts, column = option.parts
        name = object_name_of(tuple(table_parts), option.position)
        if name.schema is not None:
            context.find_namespace(name.schema, name.position)
        table = find_table(context, name)
        if table.namespace_oid != sequence.namespace_oid:
            raise ObjectNotInPrerequisiteState(
                "sequence must be in same schema as table it is linked to",
                position=option.position,
            )
        return replace(
            sequence,
            owner_table_oid=table.oid,
            owner_column=find_column(table, column, option.position).number,
        )
    return sequence


def _refuse_identity(context: DdlContext, sequence: Sequence, option: SequenceOption) -> None:
    """Raise FeatureNotSupported for the sequence of an identity column, which is its column's for ever."""
    if sequence.owner_table_oid is None:
        return
    owner = context.catalog.object(sequence.owner_table_oid)
    columns = owner.columns if isinstance(owner, Table) else ()
    if any(each.sequence_oid == sequence.oid and each.identity for each in columns):
        raise FeatureNotSupported(
            "cannot change ownership of identity sequence",
            position=option.position,
            detail=f'Sequence "{sequence.name}" is linked to table "{owner.name if owner else ""}".',
        )
