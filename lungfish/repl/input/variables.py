"""The shell's variables, and their places in SQL: `:name` as it is, `:'name'` as a string, `:"name"` as an identifier.

`:{?name}` is TRUE or FALSE: whether there is such a variable. A name without a variable stays as it stands, so that slices of arrays and
casts mean what they do elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lungfish import errors
from lungfish.sql.quoting import quote_literal
from lungfish.sql.tokens import tokens

_NAME = re.compile(r"\w+\Z")
_PLACE = re.compile(r""":(?:'(\w+)'|"(\w+)"|(\w+)|\{\?(\w+)\})""")

# Called with a variable's new value before it is taken; raises to refuse it.
Hook = Callable[[str], None]


class Variables(Mapping[str, str]):
    """Names and their texts. Some have a hook: they steer the shell."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._hooks: dict[str, Hook] = {}

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def steer(self, name: str, hook: Hook) -> None:
        """Have a variable's new values go through a hook."""
        self._hooks[name] = hook

    def set(self, name: str, value: str) -> None:
        """Set a variable. Raises SyntaxError for what is no name, and what its hook raises."""
        if _NAME.match(name) is None:
            raise errors.SyntaxError(f'invalid variable name: "{name}"')
        hook = self._hooks.get(name)
        if hook is not None:
            hook(value)
        self._values[name] = value

    def unset(self, name: str) -> None:
        """Forget a variable; one that steers the shell goes back to "off"."""
        if self._values.pop(name, None) is not None and name in self._hooks:
            self.set(name, "off")

    def substitute(self, sql: str) -> str:
        """The SQL with the variables' values in their places, outside of quotes and comments."""
        if ":" not in sql or (not self._values and ":{?" not in sql):
            return sql
        pieces: list[str] = []
        done = 0
        for token in tokens(sql):
            start = token.start
            if start < done or token.kind != "other" or sql[start] != ":":
                continue
            if sql.startswith("::", start):
                pieces.append(sql[done : start + 2])
                done = start + 2
                continue
            found = _PLACE.match(sql, start)
            if found is None:
                continue
            value = self._value_at(found)
            if value is not None:
                pieces += [sql[done:start], value]
                done = found.end()
        return "".join([*pieces, sql[done:]])

    def substitute_word(self, text: str, position: int) -> tuple[str, int] | None:
        """The value at a colon in a command's line, and the offset behind it; None: there is no variable there."""
        found = _PLACE.match(text, position)
        value = None if found is None else self._value_at(found)
        return None if found is None or value is None else (value, found.end())

    def _value_at(self, found: re.Match[str]) -> str | None:
        literal, identifier, plain, tested = found.groups()
        if tested is not None:
            return "TRUE" if tested in self._values else "FALSE"
        value = self._values.get(literal or identifier or plain)
        if value is None or plain is not None:
            return value
        if literal is not None:
            return quote_literal(value)
        return '"' + value.replace('"', '""') + '"'


def boolean_of(text: str, what: str) -> bool:
    """The meaning of on, off and their like, also shortened. Raises SyntaxError that names `what`."""
    lowered = text.lower()
    if lowered in ("on", "1") or (
        lowered and ("true".startswith(lowered) or "yes".startswith(lowered))
    ):
        return True
    if lowered in ("off", "of", "0") or (
        lowered and ("false".startswith(lowered) or "no".startswith(lowered))
    ):
        return False
    raise errors.SyntaxError(f'unrecognized value "{text}" for "{what}": Boolean expected')
