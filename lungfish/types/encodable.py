"""Texts that UTF-8 can write: a Python string may hold lone surrogates, which are no characters."""

from __future__ import annotations

from lungfish.errors import CharacterNotInRepertoire


def check_encodable(text: str) -> None:
    """Raise CharacterNotInRepertoire if the text holds a lone surrogate."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise lone_surrogate(error) from None


def lone_surrogate(error: UnicodeEncodeError) -> CharacterNotInRepertoire:
    """The error for a text that could not be encoded."""
    found = ord(error.object[error.start])
    return CharacterNotInRepertoire(f"the text holds a lone surrogate, U+{found:04X}")
