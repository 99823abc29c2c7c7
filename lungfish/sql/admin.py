"""Lungfish's own statements, which PostgreSQL's grammar does not know, parsed by lark (`admin.lark`).

    CHECKPOINT [dbname] [(option [value], ...)]      FORCE CHECKPOINT
    PRAGMA [schema.]wal_checkpoint [(mode)]
    DROP CHECKPOINT { name | ALL BEFORE 'timestamp' }      CANCEL CHECKPOINT
    EXPLAIN [(FORMAT { TEXT | JSON })] RECOVERY
    SCRUB [ relation | IMAGES | WAL ]
    BACKUP TO 'path' [INCREMENTAL FROM 'path'] [(option [value], ...)]      VERIFY BACKUP 'path'
    RESTORE FROM 'path' TO 'path' [LSN 'lsn' | TIME 'timestamp' | NAME 'name'] [DRY RUN] [(option [value], ...)]

`is_own` tells by the first words whether a text is one of these, so that other statements pay one regular expression.
lark is loaded at the first of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from lungfish import errors
from lungfish.sql.ast import Statement
from lungfish.sql.ast.utility import (
    Backup,
    CancelCheckpoint,
    Checkpoint,
    DropCheckpoint,
    ExplainRecovery,
    Restore,
    Scrub,
    VerifyBackup,
    WalCheckpoint,
)

if TYPE_CHECKING:
    from lark import Lark

# FORCE, SCRUB, ... begin nothing in PostgreSQL's grammar. Plain CHECKPOINT is PostgreSQL's too.
_OWN = re.compile(
    r"""(?:force\s+checkpoint | checkpoint\s*(?![\s;]|\Z) | drop\s+checkpoint | cancel\s+checkpoint
      | pragma\s+(?:\w+\s*\.\s*)?wal_checkpoint
      | explain\s*(?:\([^()]*\)\s*)?recovery | scrub | backup | verify\s+backup | restore)\b | checkpoint\s*[("]""",
    re.IGNORECASE | re.VERBOSE,
)

# The options of CHECKPOINT and what they take. A switch without a value is on; times are milliseconds.
CHECKPOINT_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "archive": "switch",
        "dry_run": "switch",
        "fence_timeout": "number",
        "flush_unlogged": "switch",
        "io_rate": "number",
        "keep": "string",
        "mode": "fast spread passive",
        "name": "string",
        "reason": "string",
        "retain_wal": "switch",
        "timeout": "number",
        "type": "auto incremental full",
        "verify": "switch",
        "wait": "switch",
    }
)
_BACKUP_OPTIONS: Mapping[str, str] = MappingProxyType({"overwrite": "switch", "verify": "switch"})
_RESTORE_OPTIONS: Mapping[str, str] = MappingProxyType(
    {"archive": "string", "overwrite": "switch", "wal": "string"}
)
_EXPLAIN_OPTIONS: Mapping[str, str] = MappingProxyType({"format": "text json"})
_SWITCH_VALUES: Mapping[str, bool] = MappingProxyType(
    {
        "true": True,
        "on": True,
        "yes": True,
        "1": True,
        "false": False,
        "off": False,
        "no": False,
        "0": False,
    }
)

_Options: TypeAlias = tuple[tuple[str, object], ...]
# A subtree or a token of lark's; the grammar says which stands where.
_Part: TypeAlias = Any


def is_own(sql: str) -> bool:
    """Whether the statement, with no space or comment before it, is one of ours."""
    return _OWN.match(sql) is not None


def parse_own(sql: str) -> Statement:
    """Parse one of our statements.

    Raises: SyntaxError; InvalidParameterValue for an option's value that is not among its words.
    """
    # lark is put off to the first statement that needs it (it costs 60 ms).
    from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

    try:
        tree = _grammar().parse(sql)
    except UnexpectedToken as error:
        if error.token.type == "$END":
            raise errors.SyntaxError("syntax error at end of input", position=len(sql)) from None
        raise _syntax_error(str(error.token), error.pos_in_stream) from None
    except UnexpectedCharacters as error:
        raise _syntax_error(error.char, error.pos_in_stream) from None
    except UnexpectedInput as error:
        raise errors.SyntaxError("syntax error", position=error.pos_in_stream) from None
    statement: _Part = tree.children[0]
    return _BUILDERS[statement.data](statement)


def _syntax_error(found: str, position: int | None) -> errors.Error:
    return errors.SyntaxError(f'syntax error at or near "{found}"', position=position)


@cache
def _grammar() -> Lark:
    from lark import Lark

    return Lark.open_from_package(
        "lungfish.sql",
        "admin.lark",
        parser="lalr",
        propagate_positions=True,
        maybe_placeholders=True,
    )


def _checkpoint(tree: _Part) -> Checkpoint:
    database, options = tree.children
    given = _options(options, "CHECKPOINT", CHECKPOINT_OPTIONS)
    if database is not None:
        given = (("database", _name(database)), *given)
    return Checkpoint(given, tree.meta.start_pos)


def _drop_checkpoint(tree: _Part) -> DropCheckpoint:
    (target,) = tree.children
    (value,) = target.children
    position = target.meta.start_pos
    if target.data == "drop_before":
        return DropCheckpoint(None, position, _string(value))
    name = _name(value) if target.data == "drop_named" else _string(value)
    return DropCheckpoint(name, position)


def _cancel_checkpoint(tree: _Part) -> CancelCheckpoint:
    return CancelCheckpoint(tree.meta.start_pos)


# SQLite's modes.
_WAL_CHECKPOINT_MODES = ("passive", "full", "restart", "truncate")


def _wal_checkpoint(tree: _Part) -> WalCheckpoint:
    given = [part for part in tree.children[1:] if part is not None]
    mode = _name(given[0]) if given else "passive"
    if mode not in _WAL_CHECKPOINT_MODES:
        raise errors.InvalidParameterValue(
            f'unrecognized mode of wal_checkpoint: "{mode}"',
            position=given[0].meta.start_pos,
            hint=f"It is one of {', '.join(_WAL_CHECKPOINT_MODES).upper()}.",
        )
    return WalCheckpoint(mode, tree.meta.start_pos)


def _explain_recovery(tree: _Part) -> ExplainRecovery:
    options = dict(_options(tree.children[0], "EXPLAIN", _EXPLAIN_OPTIONS))
    return ExplainRecovery(str(options.get("format", "text")))


def _scrub(tree: _Part) -> Scrub:
    (target,) = tree.children
    if target is None:
        return Scrub(None)
    parts = [_name(part) for part in target.children if part is not None]
    return Scrub(".".join(parts), target.meta.start_pos)


def _backup(tree: _Part) -> Backup:
    path, base, options = tree.children
    return Backup(
        path=_string(path),
        incremental_from=None if base is None else _string(base),
        options=_options(options, "BACKUP", _BACKUP_OPTIONS),
        position=path.start_pos,
    )


def _verify_backup(tree: _Part) -> VerifyBackup:
    (path,) = tree.children
    return VerifyBackup(_string(path), path.start_pos)


def _restore(tree: _Part) -> Restore:
    path, target_path, target, dry_run, options = tree.children
    kind, value, position = "", "", path.start_pos
    if target is not None:
        kind, value = target.data.removeprefix("target_"), _string(target.children[0])
        position = target.children[0].start_pos
    return Restore(
        path=_string(path),
        target_path=_string(target_path),
        target_kind=kind,
        target=value,
        is_dry_run=dry_run is not None,
        options=_options(options, "RESTORE", _RESTORE_OPTIONS),
        position=position,
    )


_BUILDERS: Mapping[str, Callable[[_Part], Statement]] = MappingProxyType(
    {
        "backup": _backup,
        "cancel_checkpoint": _cancel_checkpoint,
        "checkpoint": _checkpoint,
        "drop_checkpoint": _drop_checkpoint,
        "explain_recovery": _explain_recovery,
        "restore": _restore,
        "scrub": _scrub,
        "verify_backup": _verify_backup,
        "wal_checkpoint": _wal_checkpoint,
    }
)


# Options.


def _options(tree: _Part, statement: str, known: Mapping[str, str]) -> _Options:
    """The options by lower-case name; each is checked against what it takes."""
    given: dict[str, object] = {}
    for option in () if tree is None else tree.children:
        identifier, value = option.children
        name = _name(identifier)
        position = option.meta.start_pos
        if name not in known:
            raise errors.SyntaxError(
                f'unrecognized {statement} option "{name}"',
                position=position,
                hint=f"The options are {', '.join(sorted(known)).upper()}.",
            )
        if name in given:
            raise errors.SyntaxError("conflicting or redundant options", position=position)
        given[name] = _option_value(name, value, known[name], statement, position)
    return tuple(given.items())


def _option_value(name: str, value: _Part, takes: str, statement: str, position: int) -> object:
    if takes == "switch":
        word = "true" if value is None else _text_of(value).lower()
        if word not in _SWITCH_VALUES:
            raise errors.SyntaxError(f"{name} requires a Boolean value", position=position)
        return _SWITCH_VALUES[word]
    if value is None:
        raise errors.SyntaxError(f"{name} requires a parameter", position=position)
    text = _text_of(value)
    if takes == "number":
        return _number(name, text, position)
    if takes == "string":
        return text
    if text.lower() not in takes.split():
        raise errors.InvalidParameterValue(
            f'unrecognized value for {statement} option "{name}": "{text}"',
            position=position,
            hint=f"It is one of {', '.join(takes.split()).upper()}.",
        )
    return text.lower()


def _number(name: str, text: str, position: int) -> int | float:
    try:
        value = float(text)
    except ValueError:
        raise errors.SyntaxError(f"{name} requires a numeric value", position=position) from None
    if not 0 <= value < float("inf"):
        raise errors.InvalidParameterValue(
            f"{text} is outside the valid range for {name}", position=position
        )
    return int(value) if value.is_integer() else value


def _text_of(value: _Part) -> str:
    (child,) = value.children
    if value.data == "word":
        return _name(child)
    return _string(child) if value.data == "string" else str(child)


def _name(identifier: _Part) -> str:
    """The name that an identifier stands for, folded as PostgreSQL does."""
    (token,) = identifier.children
    if token.type == "QUOTED":
        return str(token)[1:-1].replace('""', '"')
    return str(token).lower()


def _string(token: _Part) -> str:
    return str(token)[1:-1].replace("''", "'")
