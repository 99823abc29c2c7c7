"""PostgreSQL's own parser, as a shared library: text in, raw parse tree out.

This is the one door to the parser (docs/decisions/0001-parser.md). The library is libpg_query, which is PostgreSQL's
grammar and scanner taken out of the server; the package `postgast` carries it for every platform. We load the
library from that package's folder and call it ourselves, because importing the package costs 75 ms (protobuf classes
and helpers that we do not use) and because the tree is wanted as JSON: as fast to get as the protobuf form, several
times faster to walk, and free of protobuf's limit of 100 levels.

What this module promises:
1. Positions are 0-based character offsets, although the library counts bytes in the tree (and characters in errors).
2. A text that the grammar rejects raises PostgreSQL's message as `errors.SyntaxError` (or the class whose SQLSTATE
   PostgreSQL gives that message), with the place.
3. A text that nests too deeply raises 54001 before the library's recursion can overrun the C stack.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import itertools
import json
import platform
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from lungfish import errors
from lungfish.sql.continuations import without_inner_comments
from lungfish.sql.tokens import tokens
from lungfish.types.encodable import lone_surrogate

# A node of the raw tree. In a slot that may hold any node it is {"ColumnRef": {...}}, the fields inside carry
# PostgreSQL's names, and a field with its type's zero value (0, false, NULL, empty) is left out.
Node: TypeAlias = dict[str, Any]

_LIBRARY_NAMES = {
    "Linux": "libpg_query.so",
    "Darwin": "libpg_query.dylib",
    "Windows": "pg_query.dll",
}

# A shorter text cannot nest deeply enough to overrun even a 512 KiB stack (macOS gives that to threads).
_SAFE_LENGTH = 4_000
_LINK_COUNT_MAX = 4_000
# An open parenthesis may be a subquery, whose parse takes several frames a level.
_PARENTHESIS_WEIGHT = 3

# Quoted things and comments count as one token each; AND, OR, commas and semicolons end a chain, as the grammar keeps
# their operands in flat lists.
_CHAIN_TOKEN = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | '[^']*' | "[^"]*" | \$(\w*)\$.*?\$\1\$
    | (?P<reset>[,;] | \b(?:and|or)\b) | (?P<open>[(\[]) | (?P<close>[)\]]) | \w+ | [^\w\s]""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)

_PARAMETER_JUNK = re.compile(r"\$\d+[^\W\d]")

# Messages that PostgreSQL raises while parsing under another SQLSTATE than 42601. The first that is found decides.
_MESSAGE_CLASSES: tuple[tuple[str, type[errors.Error]], ...] = (
    ("invalid byte sequence for encoding", errors.CharacterNotInRepertoire),
    ("role name", errors.ReservedName),
    ("unrecognized partitioning strategy", errors.InvalidParameterValue),
    ("precision for type float", errors.InvalidParameterValue),
    ("frame start", errors.WindowingError),
    ("frame end", errors.WindowingError),
    ("cross-database references are not implemented", errors.FeatureNotSupported),
    ("not yet implemented", errors.FeatureNotSupported),
    ("cannot include schema elements", errors.FeatureNotSupported),
    ("cannot have output arguments", errors.FeatureNotSupported),
    ("dropping an enum value is not implemented", errors.FeatureNotSupported),
    ("cannot be marked", errors.FeatureNotSupported),
    ("is only supported", errors.FeatureNotSupported),
    ("#,# syntax is not supported", errors.SyntaxError),
    ("not supported", errors.FeatureNotSupported),
    ("stack depth limit exceeded", errors.StatementTooComplex),
)


# The parser tells its messages without their hints.
_HINTS = {"LIMIT #,# syntax is not supported": "Use separate LIMIT and OFFSET clauses."}


class RawStatement(NamedTuple):
    """One statement of a text: its node, and where its slice of the text starts and ends (with its comments)."""

    node: Node
    start: int
    end: int


class _ErrorReport(ctypes.Structure):
    """libpg_query's PgQueryError."""

    _fields_ = (
        ("message", ctypes.c_char_p),
        ("function_name", ctypes.c_char_p),
        ("file_name", ctypes.c_char_p),
        ("line_number", ctypes.c_int),
        ("cursor_position", ctypes.c_int),
        ("context", ctypes.c_char_p),
    )


class _ParseResult(ctypes.Structure):
    """libpg_query's PgQueryParseResult."""

    _fields_ = (
        ("tree", ctypes.c_char_p),
        ("stderr_buffer", ctypes.c_char_p),
        ("error", ctypes.POINTER(_ErrorReport)),
    )


def parse_raw(sql: str, position_of: Callable[[int], int] | None = None) -> list[RawStatement]:
    """Parse a text of any number of statements; empty statements leave nothing.

    `position_of` turns an offset of this text into the one that the caller knows; it is applied to every location in the
    nodes, and not to the statements' own `start` and `end`.

    Raises: SyntaxError and its kin; StatementTooComplex; CharacterNotInRepertoire for NUL and lone surrogates.
    """
    if len(sql) > _SAFE_LENGTH:
        _check_nesting(sql)
    if "$" in sql and _PARAMETER_JUNK.search(sql) is not None:
        _refuse_parameter_junk(sql)
    try:
        statements = _statements_of(sql)
    except errors.SyntaxError:
        mended = without_inner_comments(sql) if "--" in sql else sql
        if mended == sql:
            raise
        statements = _statements_of(mended)
    if position_of is not None:
        _relocate(statements, position_of)
    return [_raw_statement(statement, sql) for statement in statements]


def _refuse_parameter_junk(sql: str) -> None:
    """Raise SyntaxError for a name that begins where a parameter ends: libpg_query, unlike PostgreSQL, lets it pass."""
    before = None
    for token in tokens(sql):
        if token.kind == "word" and before is not None and before.kind == "parameter":
            near = sql[before.start : token.end]
            raise errors.SyntaxError(
                f'trailing junk after parameter at or near "{near}"', position=before.start
            )
        before = token


def _statements_of(sql: str) -> list[Node]:
    """The tree of each statement, with places in characters."""
    data = _encode(sql)
    parse = _library_functions[0] if _library_functions else _load()
    result = parse(data)
    try:
        if result.error:
            raise _error_of(result.error.contents, sql)
        tree = json.loads(result.tree)
    except RecursionError:
        raise _too_complex() from None
    finally:
        _library_functions[1](result)
    statements: list[Node] = tree.get("stmts", [])
    if len(data) != len(sql):
        _relocate_bytes(statements, data)
    return statements


def _raw_statement(statement: Node, sql: str) -> RawStatement:
    start = statement.get("stmt_location", 0)
    length = statement.get("stmt_len", 0)
    return RawStatement(statement["stmt"], start, start + length if length else len(sql))


# The parse and the free function, once loaded. Loading twice by a race of two threads is harmless.
_library_functions: list[Any] = []


def _load() -> Any:
    """Load the library and declare the two functions that we call; the parse function."""
    library = ctypes.CDLL(_library_path())
    parse = library.pg_query_parse
    parse.argtypes = [ctypes.c_char_p]
    parse.restype = _ParseResult
    free = library.pg_query_free_parse_result
    free.argtypes = [_ParseResult]
    free.restype = None
    _library_functions[:] = [parse, free]
    return parse


def _library_path() -> str:
    """The library inside the package `postgast`, else one that the system has."""
    package = importlib.util.find_spec("postgast")
    name = _LIBRARY_NAMES.get(platform.system())
    if package is not None and name is not None:
        for folder in package.submodule_search_locations or ():
            path = Path(folder, name)
            if path.is_file():
                return str(path)
    # Imported here because it takes a sixtieth of what a connection takes, for what few installations need.
    system_path: str | None = importlib.import_module("ctypes.util").find_library("pg_query")
    if system_path is None:
        raise errors.InternalError(
            "the SQL parser's library (libpg_query) was not found",
            hint="Reinstall the package postgast.",
        )
    return system_path


def _encode(sql: str) -> bytes:
    """The text as the library takes it; NUL would end it early."""
    try:
        data = sql.encode()
    except UnicodeEncodeError as error:
        raise lone_surrogate(error).at(error.start) from None
    if b"\0" in data:
        raise errors.CharacterNotInRepertoire(
            'invalid byte sequence for encoding "UTF8": 0x00', position=sql.index("\0")
        )
    return data


def _error_of(report: Any, sql: str) -> errors.Error:
    message = report.message.decode(errors="replace")
    # 1-based and in characters, unlike the tree's locations; 0 means that no place is known.
    position = report.cursor_position - 1 if report.cursor_position > 0 else None
    for fragment, error_class in _MESSAGE_CLASSES:
        if fragment in message:
            return error_class(message, position=position, hint=_HINTS.get(message))
    if message == "invalid Unicode escape":
        if _is_in_escape_string(sql, position or 0):
            hint = "Unicode escapes must be \\uXXXX or \\UXXXXXXXX."
            return errors.InvalidEscapeSequence(message, position=position, hint=hint)
        hint = "Unicode escapes must be \\XXXX or \\+XXXXXX."
        return errors.SyntaxError(message, position=position, hint=hint)
    return errors.SyntaxError(message, position=position, hint=_HINTS.get(message))


def _is_in_escape_string(sql: str, position: int) -> bool:
    """Whether the string that the place is in is E'...', not U&'...': PostgreSQL tells them apart by SQLSTATE."""
    quote = sql.rfind("'", 0, position)
    return quote > 0 and sql[quote - 1] in "eE"


def _character_offsets(data: bytes) -> list[int]:
    """For each byte offset (the end too) the offset of its character."""
    starts = ((byte & 0xC0) != 0x80 for byte in data)
    return [0, *itertools.accumulate(starts)]


def _relocate_bytes(statements: list[Node], data: bytes) -> None:
    """Turn the byte offsets of a tree into character offsets, in place."""
    characters = _character_offsets(data)
    for statement in statements:
        start = statement.get("stmt_location", 0)
        length = statement.get("stmt_len", 0)
        statement["stmt_location"] = characters[start]
        if length:
            statement["stmt_len"] = characters[start + length] - characters[start]
    _relocate(statements, characters.__getitem__)


def _relocate(statements: list[Node], position_of: Callable[[int], int]) -> None:
    """Apply a change of offsets to every location in the nodes, in place."""
    pending: list[Any] = [statement["stmt"] for statement in statements]
    while pending:
        node = pending.pop()
        if type(node) is list:
            pending.extend(node)
        elif type(node) is dict:
            location = node.get("location", 0)
            if type(location) is int and location > 0:
                node["location"] = position_of(location)
            pending.extend(node.values())


def _check_nesting(sql: str) -> None:
    """Bound how deeply the tree of a long text can nest: tokens since the last comma, added up over open parentheses.

    An over-estimate, so it lets no deep text through; a flat text, however long, stays far below the limit.
    """
    links = [0]
    outer_count = 0
    for match in _CHAIN_TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind is None:
            links[-1] += 1
            if outer_count + links[-1] > _LINK_COUNT_MAX:
                raise _too_complex(match.start())
        elif kind == "reset":
            links[-1] = 0
            if match.group() == ";":
                links, outer_count = [0], 0
        elif kind == "open":
            outer_count += links[-1] + _PARENTHESIS_WEIGHT
            links.append(0)
        elif len(links) > 1:
            links.pop()
            outer_count -= links[-1] + _PARENTHESIS_WEIGHT


def _too_complex(position: int | None = None) -> errors.Error:
    return errors.StatementTooComplex(
        "stack depth limit exceeded",
        position=position,
        hint="The statement nests too deeply; break it up, or write a chain of operators in groups.",
    )
