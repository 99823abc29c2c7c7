"""The text that is being written, and its lines: PostgreSQL breaks before each clause and indents by its own rules."""

from __future__ import annotations

# PostgreSQL's PRETTYINDENT_STD, _JOIN, _VAR and _LIMIT.
STANDARD = 8
JOIN = 4
VARIABLE = 4
_LIMIT = 40


class Layout:
    """Text and indentation. `is_pretty` leaves out the parentheses that SQL can do without."""

    __slots__ = ("indent", "is_pretty", "text", "wrap_column")

    def __init__(self, *, is_pretty: bool, wrap_column: int = 0) -> None:
        self.text = ""
        self.indent = 0
        self.is_pretty = is_pretty
        # The length that a line of a list may have; negative: lists are not broken.
        self.wrap_column = wrap_column

    def add(self, text: str) -> None:
        """Go on in the line."""
        self.text += text

    def keyword(self, word: str, before: int = 0, after: int = 0, plus: int = 0) -> None:
        """Begin a line with the word; `before` and `after` change the indentation, `plus` is for this line only."""
        self.indent += before
        if self.indent < _LIMIT:
            amount = max(self.indent, 0) + plus
        else:
            # Deep queries are indented less for each level, and begin anew at some depth.
            amount = (_LIMIT + (self.indent - _LIMIT) // (STANDARD // 2)) % _LIMIT + plus
        self.text = f"{self.text.rstrip(' ')}\n{' ' * amount}{word}"
        self.indent = max(self.indent + after, 0)

    def start_item(self, item: str, *, is_first: bool, was_multiline: bool = False) -> None:
        """Before an item of a list: break the line if the item would make it too long."""
        if self.wrap_column < 0:
            return
        if item.startswith("\n"):
            self.text = self.text.rstrip(" ")
            return
        # Counted in bytes.
        length = len((self.text.rpartition("\n")[2] + item).encode())
        if not is_first and (length > self.wrap_column or was_multiline):
            self.keyword("", -STANDARD, STANDARD, VARIABLE)
