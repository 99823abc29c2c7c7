"""COPY's options: read from the statement, checked against each other as PostgreSQL does, with its texts."""

from __future__ import annotations

from dataclasses import dataclass

from lungfish.errors import FeatureNotSupported, InvalidParameterValue, SyntaxError
from lungfish.functions.encodings import has_encoding
from lungfish.sql.ast.dml import Copy
from lungfish.types.sql_type import BIGINT
from lungfish.types.text_parse import parse_value

_TRUE = ("true", "on", "1")
_FALSE = ("false", "off", "0")
_TEXT_DELIMITERS_REFUSED = frozenset("\\.abcdefghijklmnopqrstuvwxyz0123456789")
_UTF8_NAMES = ("utf8", "utf-8", "unicode", "sql_ascii")
# The encodings beside UTF-8 that COPY converts from and to, by PostgreSQL's names.
_ENCODINGS = {"latin1": "latin-1", "latin9": "iso8859-15", "win1252": "cp1252"}

# Column names, or "*" for all; empty for none.
ColumnChoice = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """How the lines of a COPY are laid out and what is done about bad ones."""

    is_csv: bool = False
    delimiter: str = "\t"
    null: str = "\\N"
    # The text that stands for a column's default, or None.
    default: str | None = None
    # "off", "on" or "match".
    header: str = "off"
    quote: str = '"'
    escape: str = '"'
    force_quote: ColumnChoice = ()
    force_not_null: ColumnChoice = ()
    force_null: ColumnChoice = ()
    # Python's name of the encoding.
    encoding: str = "utf-8"
    ignores_errors: bool = False
    reject_limit: int | None = None
    # "default", "verbose" or "silent".
    verbosity: str = "default"
    # Only allowed, and of no effect: no row is ever frozen here.
    is_frozen: bool = False


def read_options(statement: Copy) -> CopyOptions:
    """The options of a COPY statement. Raises SyntaxError, InvalidParameterValue, FeatureNotSupported."""
    given: dict[str, object] = {}
    for name, value in statement.options:
        if name in given:
            raise SyntaxError("conflicting or redundant options", position=statement.position)
        if name not in _KNOWN:
            raise SyntaxError(f'option "{name}" not recognized', position=statement.position)
        given[name] = value
    kind = str(given.get("format", "text")).lower()
    if kind == "binary":
        raise FeatureNotSupported("COPY format binary is not supported")
    if kind not in ("text", "csv"):
        raise InvalidParameterValue(f'COPY format "{kind}" not recognized')
    is_csv = kind == "csv"
    quote = str(given.get("quote", '"'))
    default = given.get("default")
    options = CopyOptions(
        is_csv=is_csv,
        delimiter=str(given.get("delimiter", "," if is_csv else "\t")),
        null=str(given.get("null", "" if is_csv else "\\N")),
        default=None if default is None else str(default),
        header=_header(given.get("header", False)),
        quote=quote,
        escape=str(given.get("escape", quote)),
        force_quote=_choice(given.get("force_quote")),
        force_not_null=_choice(given.get("force_not_null")),
        force_null=_choice(given.get("force_null")),
        encoding=_encoding(given.get("encoding")),
        ignores_errors=_word(given, "on_error", ("stop", "ignore"), "stop") == "ignore",
        reject_limit=_reject_limit(given.get("reject_limit")),
        verbosity=_word(given, "log_verbosity", ("default", "verbose", "silent"), "default"),
        is_frozen=_boolean("freeze", given.get("freeze", False)),
    )
    _check_characters(options)
    _check_csv(options, given, is_from=statement.is_from)
    _check_direction(options, given, is_from=statement.is_from)
    return options


_KNOWN = frozenset(
    {
        "format", "freeze", "delimiter", "null", "default", "header", "quote", "escape", "force_quote",
        "force_not_null", "force_null", "encoding", "on_error", "reject_limit", "log_verbosity",
    }
)  # fmt: skip


def _boolean(name: str, value: object) -> bool:
    word = str(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise SyntaxError(f"{name} requires a Boolean value")


def _header(value: object) -> str:
    word = str(value).lower()
    if word == "match":
        return "match"
    if word in _TRUE:
        return "on"
    if word in _FALSE:
        return "off"
    raise SyntaxError('header requires a Boolean value or "match"')


def _choice(value: object) -> ColumnChoice:
    if value is None:
        return ()
    if value == "*":
        return ("*",)
    if not isinstance(value, tuple):
        raise InvalidParameterValue("argument to option must be a list of column names")
    return value


def _encoding(value: object) -> str:
    if value is None:
        return "utf-8"
    name = str(value).lower()
    if name in _UTF8_NAMES:
        return "utf-8"
    if name in _ENCODINGS:
        return _ENCODINGS[name]
    if has_encoding(name):
        raise FeatureNotSupported(f"COPY with encoding {name} is not supported")
    raise InvalidParameterValue('argument to option "encoding" must be a valid encoding name')


def encoding_name(options: CopyOptions) -> str:
    """PostgreSQL's name of the encoding."""
    return next(
        (name.upper() for name, codec in _ENCODINGS.items() if codec == options.encoding), "UTF8"
    )


def _word(given: dict[str, object], name: str, words: tuple[str, ...], default: str) -> str:
    word = str(given.get(name, default)).lower()
    if word not in words:
        raise InvalidParameterValue(f'COPY {name.upper()} "{word}" not recognized')
    return word


def _reject_limit(value: object) -> int | None:
    if value is None:
        return None
    if value is True:
        raise SyntaxError("reject_limit requires a numeric value")
    limit: int = parse_value(str(value), BIGINT)
    if limit <= 0:
        raise InvalidParameterValue(f"REJECT_LIMIT ({limit}) must be greater than zero")
    return limit


def _check_characters(options: CopyOptions) -> None:
    delimiter, null = options.delimiter, options.null
    if len(delimiter.encode()) != 1:
        raise FeatureNotSupported("COPY delimiter must be a single one-byte character")
    if delimiter in "\r\n":
        raise InvalidParameterValue("COPY delimiter cannot be newline or carriage return")
    if "\r" in null or "\n" in null:
        raise InvalidParameterValue(
            "COPY null representation cannot use newline or carriage return"
        )
    if options.default is not None and ("\r" in options.default or "\n" in options.default):
        raise InvalidParameterValue(
            "COPY default representation cannot use newline or carriage return"
        )
    if not options.is_csv and delimiter in _TEXT_DELIMITERS_REFUSED:
        raise InvalidParameterValue(f'COPY delimiter cannot be "{delimiter}"')
    # The same fault has another SQLSTATE with each of the two.
    for what, text, wrong in (
        ("NULL", null, InvalidParameterValue),
        ("DEFAULT", options.default or "", FeatureNotSupported),
    ):
        if delimiter in text:
            raise wrong(f"COPY delimiter character must not appear in the {what} specification")
        if options.is_csv and options.quote in text:
            raise wrong(f"CSV quote character must not appear in the {what} specification")
    if options.default is not None and options.default == null:
        raise FeatureNotSupported("NULL specification and DEFAULT specification cannot be the same")


def _check_csv(options: CopyOptions, given: dict[str, object], *, is_from: bool) -> None:
    """What only CSV has, and what goes one way only."""
    for name in ("quote", "escape", "force_quote", "force_not_null", "force_null"):
        if name in given and not options.is_csv:
            raise FeatureNotSupported(f"COPY {name.upper()} requires CSV mode")
    if options.is_csv:
        if len(options.quote.encode()) != 1:
            raise FeatureNotSupported("COPY quote must be a single one-byte character")
        if options.delimiter == options.quote:
            raise InvalidParameterValue("COPY delimiter and quote must be different")
        if len(options.escape.encode()) != 1:
            raise FeatureNotSupported("COPY escape must be a single one-byte character")
    if "force_quote" in given and is_from:
        raise FeatureNotSupported("COPY FORCE_QUOTE cannot be used with COPY FROM")
    for name in ("force_not_null", "force_null"):
        if name in given and not is_from:
            raise InvalidParameterValue(f"COPY {name.upper()} cannot be used with COPY TO")


def _check_direction(options: CopyOptions, given: dict[str, object], *, is_from: bool) -> None:
    if not is_from:
        if "default" in given:
            raise FeatureNotSupported("COPY DEFAULT cannot be used with COPY TO")
        if "on_error" in given:
            raise InvalidParameterValue("COPY ON_ERROR cannot be used with COPY TO")
        if "freeze" in given:
            raise InvalidParameterValue("COPY FREEZE cannot be used with COPY TO")
        if options.header == "match":
            raise FeatureNotSupported('cannot use "match" with HEADER in COPY TO')
    if options.reject_limit is not None and not options.ignores_errors:
        raise InvalidParameterValue("COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE")
