"""Scripts that test a database: SQL files whose directives, `--@ ...`, are comments. docs/scripts.md has the language.

Start at `runner.py`. `program.py` is a script as a tree, `engine.py` the seam to a database, `checks.py` what is compared; the grammar of
the directives is in `sql/directives.lark`. `suite.py` runs files and folders, as `lungfish test` does.
"""

from lungfish.script.engine import Engine, Outcome
from lungfish.script.program import Program, parse_program
from lungfish.script.report import Failure, ScriptReport

__all__ = ["Engine", "Failure", "Outcome", "Program", "ScriptReport", "parse_program"]
