"""A text's strings, read as its session's settings say, and errors that speak of the text as it was given.

standard_conforming_strings, backslash_quote, escape_string_warning: where these say nothing unusual a text is run as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lungfish.errors import Error, internal_error
from lungfish.session.parameters import move_position
from lungfish.sql.backslashes import ReadText
from lungfish.sql.offsets import OffsetMap

if TYPE_CHECKING:
    from lungfish.session.session import Session


def read_strings(session: Session, sql: str) -> tuple[ReadText | None, str]:
    """The text as the parser is to have it, and how it came to that (None: it is the same). The client is warned of escapes.

    Raises SyntaxError, FeatureNotSupported, NonstandardUseOfEscapeCharacter.
    """
    reading = session.settings.string_reading
    if reading is None or not reading.may_concern(sql):
        return None, sql
    read = reading.read(sql)
    for warning in read.warnings:
        session.notice(warning, severity="WARNING")
    return read, read.text


def raise_worded(
    error: Exception, sql: str, position_of: OffsetMap | None, read: ReadText | None = None
) -> NoReturn:
    """Raise the error again with its text, and its place there; what is a mistake of our own as such."""
    if isinstance(error, Error):
        move_position(error, position_of)
        if read is not None:
            read.restore(error)
            sql = read.given
        raise error.with_statement(sql)
    raise internal_error(error).with_statement(sql) from error
