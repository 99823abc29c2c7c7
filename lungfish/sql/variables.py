"""Variables in a script's text, as psql has them, and by Lungfish's own spelling.

    :name       the value as it is          :'name'     as a literal, quoted        :"name"     as an identifier, quoted
    $name       as :name

Nothing inside strings, quoted names, dollar strings and comments is touched, nor `::type` and a name that is not set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lungfish.sql.tokens import tokens

_NAME = re.compile(r"[A-Za-z_]\w*\Z")


def substitute(sql: str, variables: Mapping[str, str]) -> str:
    """The text with the values in the places of the names."""
    if not variables or (":" not in sql and "$" not in sql):
        return sql
    parts: list[str] = []
    colon = -1
    before = ""
    for token in tokens(sql):
        text = sql[token.start : token.end]
        if token.kind == "named" and text[1:] in variables:
            text = str(variables[text[1:]])
        elif colon == token.start - 1 and colon >= 0:
            value = _value(text, variables)
            if value is not None:
                parts.pop()
                text = value
        is_colon = text == ":" and token.kind == "other"
        # Of `::` neither colon begins a name.
        is_second = is_colon and before == ":"
        follows = sql[token.end : token.end + 1]
        colon = token.start if is_colon and not is_second and follows != ":" else -1
        before = text if token.kind == "other" else ""
        parts.append(text)
    return "".join(parts)


def _value(text: str, variables: Mapping[str, str]) -> str | None:
    """What the token behind a colon stands for; None if it names no variable."""
    quote = text[0] if text[0] in "'\"" else ""
    name = text[1:-1] if quote else text
    if _NAME.match(name) is None or name not in variables:
        return None
    value = str(variables[name])
    return quote + value.replace(quote, quote * 2) + quote if quote else value
