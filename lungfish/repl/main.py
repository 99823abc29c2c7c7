"""`lungfish`: the entry point. Decides between a subcommand, the prompt and a run without one; `arguments.py` has the usage.

Only what the decision needs is imported here: the prompt must stand on the screen before the engine is loaded, and `--help` needs
neither. So the rest is named by module in `_ENTRIES` and loaded by `_load`, the one place that does so.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import lungfish
from lungfish.repl.arguments import shell_parser
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.subcommands import SUBCOMMANDS

_PROMPT = "lungfish.repl.prompt:run_prompt"
_BATCH = "lungfish.repl.batch:run_inputs"
_SPEC = "lungfish.repl.spec:spec_main"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for subcommand in SUBCOMMANDS:
        if arguments[:1] == [subcommand.name]:
            return int(_load(subcommand.place)(arguments[1:]))
    options = shell_parser().parse_args(arguments)
    if options.version:
        print(f"lungfish {lungfish.__version__}")
        return ExitCode.OK
    if options.spec:
        return int(_load(_SPEC)(options))
    if options.color == "never":
        os.environ["NO_COLOR"] = "1"
    elif options.color == "always":
        os.environ.pop("NO_COLOR", None)
    is_interactive = not options.inputs and sys.stdin.isatty() and sys.stdout.isatty()
    return int(_load(_PROMPT if is_interactive else _BATCH)(options))


def _load(place: str) -> Callable[[Any], int]:
    module, _, name = place.partition(":")
    function: Callable[[Any], int] = getattr(importlib.import_module(module), name)
    return function


if __name__ == "__main__":
    sys.exit(main())
