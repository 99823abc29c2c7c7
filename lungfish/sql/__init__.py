"""Text to tree: PostgreSQL's grammar lowered to our own frozen AST.

    parse, parse_one      text to statements; start here
    rewrite_parameters    ?, :name, $name and %s to $1 before parsing
    lift_literals         literals out of a text, for the plan cache
    parse_directive       what a script says in its comments `--@ ...`
    split_script          a script to its statements, commands and directives, without parsing
    unparse_*             the tree back to text, for what the catalog stores

Nothing outside this package imports a parser library; `sql.ast` has the tree.
"""

from lungfish.sql.directives import parse_directive
from lungfish.sql.normalize import LiftedText, lift_literals
from lungfish.sql.parameters import RewrittenText, rewrite_parameters
from lungfish.sql.split import ScriptPiece, open_construct, split_script
from lungfish.sql.statements import ParsedStatement, parse, parse_one
from lungfish.sql.unparse_changes import unparse_command
from lungfish.sql.unparse_queries import unparse_expression, unparse_query

__all__ = [
    "LiftedText",
    "ParsedStatement",
    "RewrittenText",
    "ScriptPiece",
    "lift_literals",
    "open_construct",
    "parse",
    "parse_directive",
    "parse_one",
    "rewrite_parameters",
    "split_script",
    "unparse_command",
    "unparse_expression",
    "unparse_query",
]
