"""Random jsonpath expressions, and what asks them: operators, functions, SQL/JSON."""

from __future__ import annotations

import random

DOCUMENTS = (
    "null", "true", "1", "-1.50", '"a"', '"2024-02-29"', '"12:34:56+02"', '"1e3"', "[]", "{}", "[1, 2, 3]", "[1, [2, [3, null]], \"a\"]", '{"a": 1, "b": [1, 2.50, null]}',
    '{"a": {"b": {"a": [true, false]}}}', '[{"a": 1}, {"a": "x", "b": null}, {"b": 2}]', '{"a": [], "": {"a": 0}}', '[1e400, 0.1, 12345678901234567890]',
    '{"a": ["2024-01-01", "2024-01-01T10:00:00", "10:00"], "b": "abc"}', '[[1, 2], [3, 4], 5]', '{"a": [3, 1, 2], "x": 2}', '["ab", "AB", "a.b", "a\\nb"]',
)  # fmt: skip
_STEPS = (
    ".a", ".b", ".*", "[*]", "[0]", "[last]", "[1 to last]", "[0, 1]", "[last - 1]", ".**", ".**{1}", ".**{1 to 2}", ".**{last}", "[$x]", '."a"', '.""', ".a.b", "[-1]", "[0.7]", "[1 to 0]",
)  # fmt: skip
_METHODS = (
    ".type()", ".size()", ".double()", ".abs()", ".floor()", ".ceiling()", ".keyvalue()", ".datetime()", ".bigint()", ".integer()", ".boolean()", ".string()", ".number()", ".date()",
    ".time()", ".timestamp()", ".decimal()", ".decimal(5, 1)", '.datetime("YYYY-MM-DD")', ".time_tz()", ".timestamp_tz()", ".keyvalue().key", ".timestamp(2)", ".decimal(2)",
)  # fmt: skip
_VALUES = ("1", "2.5", '"a"', "null", "true", "0", "-1", "$x", "$y", '"2024-01-01".date()', "1e2", "0x1F", "1_000", '"\\u0061"')  # fmt: skip
_PATTERNS = ('"^a"', '"A" flag "i"', '"a.b" flag "q"', '"^a.b$" flag "s"', '"\\\\d+"', '"a b" flag "x"', '"^b" flag "m"')  # fmt: skip
_ERRORS = ("", "", " ERROR ON ERROR", " NULL ON ERROR", " NULL ON EMPTY", " ERROR ON EMPTY ERROR ON ERROR", " DEFAULT '7' ON EMPTY", " DEFAULT '8' ON ERROR")  # fmt: skip
_RETURNED = ("", "", " RETURNING text", " RETURNING integer", " RETURNING numeric(4,1)", " RETURNING jsonb", " RETURNING date", " RETURNING integer[]", " RETURNING boolean",
             " RETURNING varchar(2)")  # fmt: skip
_WRAPPERS = ("", "", " WITH WRAPPER", " WITH CONDITIONAL WRAPPER", " WITHOUT WRAPPER", " OMIT QUOTES", " KEEP QUOTES")  # fmt: skip
_GIVEN = ("", ", '{\"x\": 1, \"y\": \"a\"}'", ", '{\"x\": 1, \"y\": null}', true", ", '{}', true", ", silent => true")  # fmt: skip
_FUNCTIONS = ("jsonb_path_query_array", "jsonb_path_query_first", "jsonb_path_exists", "jsonb_path_match", "jsonb_path_query_array_tz", "jsonb_path_exists_tz")  # fmt: skip


class JsonPaths:
    """Makes paths, and calls with them."""

    def __init__(self, source: random.Random) -> None:
        self.source = source

    def path(self, depth: int = 2) -> str:
        """A path, or a predicate of one."""
        mode = self.source.choice(("", "", "lax ", "strict "))
        made = self._predicate(depth) if self.source.random() < 0.2 else self._chain("$", depth)
        return mode + made

    def _chain(self, root: str, depth: int) -> str:
        parts = [root]
        for _ in range(self.source.choice((0, 1, 1, 2, 3))):
            number = self.source.random()
            if number < 0.6:
                parts.append(self.source.choice(_STEPS))
            elif number < 0.75 and depth > 0:
                parts.append(f" ? ({self._predicate(depth - 1)})")
            else:
                parts.append(self.source.choice(_METHODS))
        if depth > 0 and self.source.random() < 0.15:
            sign = self.source.choice((" + ", " - ", " * ", " / ", " % "))
            return f"({''.join(parts)}{sign}{self._operand(root, depth - 1)})"
        if self.source.random() < 0.05:
            return f"(-{''.join(parts)})"
        return "".join(parts)

    def _operand(self, root: str, depth: int) -> str:
        if depth < 1 or self.source.random() < 0.5:
            return self.source.choice(_VALUES)
        return self._chain(root, depth - 1)

    def _predicate(self, depth: int) -> str:
        root = self.source.choice(("@", "@", "@", "$")) if depth < 2 else "$"
        left = self._chain(root, depth - 1)
        number = self.source.random()
        if number < 0.55:
            sign = self.source.choice((" == ", " != ", " <> ", " < ", " <= ", " > ", " >= "))
            return f"{left}{sign}{self._operand(root, depth)}"
        if number < 0.62:
            return f"{left} like_regex {self.source.choice(_PATTERNS)}"
        if number < 0.68:
            return f"{left} starts with {self.source.choice((chr(34) + 'a' + chr(34), '$y'))}"
        if number < 0.78:
            return f"exists ({left})"
        if number < 0.84 or depth < 1:
            return f"({left} == {self.source.choice(_VALUES)}) is unknown"
        if number < 0.9:
            return f"!({self._predicate(depth - 1)})"
        word = self.source.choice((" && ", " || "))
        return f"({self._predicate(depth - 1)}){word}({self._predicate(depth - 1)})"

    def expression(self) -> str:
        """What asks a document with a path."""
        document = f"'{self.source.choice(DOCUMENTS)}'::jsonb"
        path = self.path().replace("'", "''")
        passing = self.source.choice(("", " PASSING 1 AS x, 'a' AS y", " PASSING 1.5 AS x"))
        tail = f", '{path}'{passing}"
        ends = self.source.choice(_ERRORS)
        match self.source.randrange(7):
            case 0:
                return f"{document} @? '{path}'"
            case 1:
                return f"{document} @@ '{path}'"
            case 2:
                ends = self.source.choice(("", " TRUE ON ERROR", " UNKNOWN ON ERROR", " ERROR ON ERROR"))  # fmt: skip
                return f"JSON_EXISTS({document}{tail}{ends})"
            case 3:
                return f"JSON_VALUE({document}{tail}{self.source.choice(_RETURNED)}{ends})"
            case 4:
                wrapper = self.source.choice(_WRAPPERS)
                returned = self.source.choice(_RETURNED)
                return f"JSON_QUERY({document}{tail}{returned}{wrapper}{ends})"
            case 5 if self.source.random() < 0.3:
                return f"'{path}'::jsonpath"
            case _:
                name = self.source.choice(_FUNCTIONS)
                return f"{name}({document}, '{path}'{self.source.choice(_GIVEN)})"
