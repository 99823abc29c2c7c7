"""A text's strings, read as the settings of its session say: standard_conforming_strings, backslash_quote, escape_string_warning.

Where they say nothing unusual a text is run as it was given, and this module is not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungfish.sql.backslashes import ReadText

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
