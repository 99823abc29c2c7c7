"""Text to tree: PostgreSQL's grammar lowered to our own frozen AST, parameters, literals, quoting.

Start at `parse`. Nothing outside this package imports a parser library; `sql.ast` has the tree.
"""

from lungfish.sql.statements import ParsedStatement, parse, parse_one

__all__ = ["ParsedStatement", "parse", "parse_one"]
