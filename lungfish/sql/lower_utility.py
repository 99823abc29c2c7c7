"""Transactions, settings, EXPLAIN, PREPARE, cursors, locks, and the other statements that neither query nor define."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from lungfish import errors
from lungfish.sql.ast import Statement
from lungfish.sql.ast.utility import (
    AlterSystem,
    Begin,
    Checkpoint,
    CloseCursor,
    Commit,
    Deallocate,
    DeclareCursor,
    Discard,
    Execute,
    Explain,
    Fetch,
    LockTable,
    Prepare,
    Release,
    Rollback,
    Savepoint,
    SetConstraints,
    SetTransaction,
    SetVariable,
    ShowVariable,
)
from lungfish.sql.libpg import Node
from lungfish.sql.lower_types import lower_type
from lungfish.sql.lowering import (
    Lowering,
    StatementRule,
    find_position,
    object_name,
    raise_unsupported,
    require_only,
)
from lungfish.types.parse_interval import parse_interval
from lungfish.types.time_zones import fixed_zone_name

# Transactions.


def _lower_modes(nodes: Sequence[Node]) -> tuple[str | None, bool | None, bool | None]:
    """Isolation level, READ ONLY, DEFERRABLE; the last of each kind counts, as in PostgreSQL."""
    isolation: str | None = None
    is_read_only: bool | None = None
    is_deferrable: bool | None = None
    for node in nodes:
        option = node["DefElem"]
        value = option["arg"]["A_Const"]
        if option["defname"] == "transaction_isolation":
            isolation = value["sval"]["sval"]
        elif option["defname"] == "transaction_read_only":
            is_read_only = bool(value["ival"].get("ival", 0))
        else:
            is_deferrable = bool(value["ival"].get("ival", 0))
    return isolation, is_read_only, is_deferrable


_TransactionRule: TypeAlias = Callable[[Node], Statement]
_TRANSACTION_FIELDS = frozenset({"kind", "options", "savepoint_name", "chain", "location"})


def _lower_begin(fields: Node) -> Begin:
    isolation, is_read_only, is_deferrable = _lower_modes(fields.get("options", ()))
    tag = "START TRANSACTION" if fields["kind"] == "TRANS_STMT_START" else "BEGIN"
    return Begin(isolation, is_read_only, is_deferrable, tag=tag)


def _lower_commit(fields: Node) -> Commit:
    return Commit(and_chain=fields.get("chain", False))


def _lower_rollback(fields: Node) -> Rollback:
    return Rollback(and_chain=fields.get("chain", False))


def _lower_rollback_to(fields: Node) -> Rollback:
    return Rollback(savepoint=fields["savepoint_name"], position=fields.get("location", 0))


def _lower_savepoint(fields: Node) -> Savepoint:
    return Savepoint(fields["savepoint_name"], fields.get("location", 0))


def _lower_release(fields: Node) -> Release:
    return Release(fields["savepoint_name"], fields.get("location", 0))


_TRANSACTIONS: Mapping[str, _TransactionRule] = MappingProxyType(
    {
        "TRANS_STMT_BEGIN": _lower_begin,
        "TRANS_STMT_START": _lower_begin,
        "TRANS_STMT_COMMIT": _lower_commit,
        "TRANS_STMT_ROLLBACK": _lower_rollback,
        "TRANS_STMT_ROLLBACK_TO": _lower_rollback_to,
        "TRANS_STMT_SAVEPOINT": _lower_savepoint,
        "TRANS_STMT_RELEASE": _lower_release,
    }
)


def _lower_transaction(fields: Node, _lowering: Lowering) -> Statement:
    rule = _TRANSACTIONS.get(fields["kind"])
    if rule is None:
        raise_unsupported("two-phase commit (PREPARE TRANSACTION)")
    require_only(fields, _TRANSACTION_FIELDS)
    return rule(fields)


def _lower_constraints(fields: Node, _lowering: Lowering) -> SetConstraints:
    names = tuple([object_name(node["RangeVar"]) for node in fields.get("constraints", ())])
    return SetConstraints(names, fields.get("deferred", False), names[0].position if names else -1)


# Settings.


def lower_set(fields: Node, _lowering: Lowering) -> SetVariable | SetTransaction:
    """SET and RESET."""
    kind = fields["kind"]
    position = fields.get("location", 0)
    is_local = fields.get("is_local", False)
    if kind == "VAR_RESET_ALL":
        return SetVariable("all", (), is_reset=True)
    name = fields["name"]
    if kind == "VAR_SET_MULTI":
        return _lower_set_transaction(name, fields["args"])
    if kind in ("VAR_SET_DEFAULT", "VAR_RESET"):
        return SetVariable(name.lower(), (), is_local, position, is_reset=kind == "VAR_RESET")
    if kind == "VAR_SET_CURRENT":
        raise_unsupported("SET ... FROM CURRENT")
    values = tuple([_setting_value(node) for node in fields["args"]])
    return SetVariable(name.lower(), values, is_local, position)


def _lower_alter_system(fields: Node, lowering: Lowering) -> AlterSystem:
    variable = lower_set(fields["setstmt"], lowering)
    if not isinstance(variable, SetVariable):
        raise_unsupported("ALTER DATABASE SET TRANSACTION", fields.get("location", -1))
    return AlterSystem(variable, fields.get("dbname"), variable.position)


def _zone_of_interval(text: str) -> str:
    """SET TIME ZONE INTERVAL, as the name of a zone that far east. Raises InvalidParameterValue."""
    found = parse_interval(text)
    seconds, fraction = divmod(found.microseconds, 1_000_000)
    if found.months or found.days or fraction:
        raise errors.InvalidParameterValue(
            f'invalid value for parameter "TimeZone": "INTERVAL \'{text}\'"',
            detail="Cannot specify months or days in time zone interval.",
        )
    return fixed_zone_name(seconds)


def _setting_value(node: Node) -> str:
    constant = node.get("A_Const")
    if constant is None and "TypeCast" in node:
        return _zone_of_interval(node["TypeCast"]["arg"]["A_Const"]["sval"].get("sval", ""))
    if constant is None:
        raise_unsupported("SET to an expression", find_position(node))
    if "sval" in constant:
        text: str = constant["sval"].get("sval", "")
    elif "fval" in constant:
        text = constant["fval"]["fval"]
    elif "boolval" in constant:
        text = "true" if constant["boolval"].get("boolval") else "false"
    else:
        text = str(constant["ival"].get("ival", 0))
    return text


def _lower_set_transaction(name: str, nodes: Sequence[Node]) -> SetTransaction:
    if name not in ("TRANSACTION", "SESSION CHARACTERISTICS"):
        raise_unsupported(f"SET {name}", find_position(nodes))
    isolation, is_read_only, is_deferrable = _lower_modes(nodes)
    is_session = name == "SESSION CHARACTERISTICS"
    return SetTransaction(isolation, is_read_only, is_deferrable, is_session, find_position(nodes))


def _lower_show(fields: Node, _lowering: Lowering) -> ShowVariable:
    return ShowVariable(fields["name"].lower())


def _lower_discard(fields: Node, _lowering: Lowering) -> Discard:
    return Discard(fields["target"].removeprefix("DISCARD_").lower())


# EXPLAIN and prepared statements.

_EXPLAIN_SWITCHES = frozenset(
    {
        "analyze",
        "buffers",
        "costs",
        "generic_plan",
        "memory",
        "settings",
        "summary",
        "timing",
        "verbose",
        "wal",
    }
)
_EXPLAIN_WORDS = frozenset({"format", "serialize"})
_TRUE_WORDS = frozenset({"true", "on", "yes", "1"})
_FALSE_WORDS = frozenset({"false", "off", "no", "0"})


def _lower_explain(fields: Node, lowering: Lowering) -> Explain:
    options: list[tuple[str, object]] = []
    for node in fields.get("options", ()):
        option = node["DefElem"]
        name = option["defname"].lower()
        position = option.get("location", 0)
        text = _option_text(option.get("arg"))
        if name in _EXPLAIN_WORDS:
            options.append((name, text or "text"))
        elif name in _EXPLAIN_SWITCHES:
            options.append((name, _switch(name, text, position)))
        else:
            raise errors.SyntaxError(
                f'unrecognized EXPLAIN option "{option["defname"]}"', position=position
            )
    statement = lowering.statement(fields["query"])
    return Explain(statement, tuple(options))


def _option_text(argument: Node | None) -> str | None:
    if argument is None:
        return None
    ((tag, detail),) = argument.items()
    if tag == "String":
        return str(detail.get("sval", "")).lower()
    if tag == "Integer":
        return str(detail.get("ival", 0))
    if tag == "Boolean":
        return "true" if detail.get("boolval") else "false"
    return str(detail.get("fval", tag))


def _switch(name: str, text: str | None, position: int) -> bool:
    if text is None or text in _TRUE_WORDS:
        return True
    if text in _FALSE_WORDS:
        return False
    raise errors.SyntaxError(f"{name} requires a Boolean value", position=position)


def _lower_prepare(fields: Node, lowering: Lowering) -> Prepare:
    types = tuple([lower_type(node["TypeName"]) for node in fields.get("argtypes", ())])
    return Prepare(fields["name"], types, lowering.statement(fields["query"]))


def _lower_execute(fields: Node, lowering: Lowering) -> Execute:
    return Execute(fields["name"], lowering.expressions(fields.get("params", ())))


def _lower_deallocate(fields: Node, _lowering: Lowering) -> Deallocate:
    return Deallocate(fields.get("name"))


# Cursors.

# PostgreSQL's CURSOR_OPT bits (nodes/parsenodes.h).
_CURSOR_BINARY, _CURSOR_SCROLL, _CURSOR_NO_SCROLL, _CURSOR_HOLD = 0x0001, 0x0002, 0x0004, 0x0020
_CURSOR_INSENSITIVE, _CURSOR_ASENSITIVE = 0x0008, 0x0010


def _lower_declare(fields: Node, lowering: Lowering) -> DeclareCursor:
    options = fields.get("options", 0)
    for one, other, names in (
        (_CURSOR_SCROLL, _CURSOR_NO_SCROLL, "SCROLL and NO SCROLL"),
        (_CURSOR_INSENSITIVE, _CURSOR_ASENSITIVE, "ASENSITIVE and INSENSITIVE"),
    ):
        if options & one and options & other:
            raise errors.InvalidCursorDefinition(f"cannot specify both {names}")
    is_scroll = True if options & _CURSOR_SCROLL else None
    if options & _CURSOR_NO_SCROLL:
        is_scroll = False
    query = lowering.query(fields["query"])
    return DeclareCursor(
        fields["portalname"],
        query,
        is_scroll,
        bool(options & _CURSOR_HOLD),
        query.position,
        bool(options & _CURSOR_INSENSITIVE),
        bool(options & _CURSOR_BINARY),
    )


_FETCH_ALL = 2**63 - 1


def _lower_fetch(fields: Node, _lowering: Lowering) -> Fetch:
    count = fields.get("howMany", 0)
    return Fetch(
        cursor=fields["portalname"],
        direction=fields["direction"].removeprefix("FETCH_").lower(),
        count=None if count == _FETCH_ALL else count,
        is_move=fields.get("ismove", False),
    )


def _lower_close(fields: Node, _lowering: Lowering) -> CloseCursor:
    return CloseCursor(fields.get("portalname"))


# Locks and upkeep.

_LOCK_MODES: Mapping[int, str] = {
    1: "access share",
    2: "row share",
    3: "row exclusive",
    4: "share update exclusive",
    5: "share",
    6: "share row exclusive",
    7: "exclusive",
    8: "access exclusive",
}


def _lower_lock(fields: Node, _lowering: Lowering) -> LockTable:
    names = tuple([object_name(node["RangeVar"]) for node in fields["relations"]])
    return LockTable(
        names, _LOCK_MODES[fields["mode"]], fields.get("nowait", False), names[0].position
    )


def _lower_checkpoint(fields: Node, _lowering: Lowering) -> Checkpoint:
    require_only(fields, frozenset())
    return Checkpoint()


STATEMENTS: Mapping[str, StatementRule] = MappingProxyType(
    {
        "AlterDatabaseSetStmt": _lower_alter_system,
        "AlterSystemStmt": _lower_alter_system,
        "CheckPointStmt": _lower_checkpoint,
        "ClosePortalStmt": _lower_close,
        "ConstraintsSetStmt": _lower_constraints,
        "DeallocateStmt": _lower_deallocate,
        "DeclareCursorStmt": _lower_declare,
        "DiscardStmt": _lower_discard,
        "ExecuteStmt": _lower_execute,
        "ExplainStmt": _lower_explain,
        "FetchStmt": _lower_fetch,
        "LockStmt": _lower_lock,
        "PrepareStmt": _lower_prepare,
        "TransactionStmt": _lower_transaction,
        "VariableSetStmt": lower_set,
        "VariableShowStmt": _lower_show,
    }
)
