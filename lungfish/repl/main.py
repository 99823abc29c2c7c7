"""`lungfish`: the entry point. Decides between a subcommand, the prompt and a run without one; `arguments.py` has the usage.

Only what the decision needs is imported here: the prompt must stand on the screen before the engine is loaded, and `--help` needs
neither. So the rest is named by module in `_ENTRIES` and loaded by `_load`, the one place that does so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import lungfish
from lungfish.repl.arguments import shell_parser
from lungfish.repl.exit_codes import ExitCode

SUBCOMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "backup": "lungfish.repl.backup:backup_main",
        "check": "lungfish.repl.check:check_main",
        "demo": "lungfish.repl.demo.demo:demo_main",
        "drill": "lungfish.repl.drill:drill_main",
        "dump": "lungfish.repl.dump:dump_main",
        "info": "lungfish.repl.info:info_main",
        "load": "lungfish.repl.load:load_main",
        "metrics": "lungfish.repl.metrics:metrics_main",
        "restore": "lungfish.repl.backup:restore_main",
        "run": "lungfish.repl.batch:run_main",
        "test": "lungfish.repl.test:test_main",
    }
)
_PROMPT = "lungfish.repl.prompt:run_prompt"
_BATCH = "lungfish.repl.batch:run_inputs"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in SUBCOMMANDS:
        return int(_load(SUBCOMMANDS[arguments[0]])(arguments[1:]))
    options = shell_parser().parse_args(arguments)
    if options.version:
        print(f"lungfish {lungfish.__version__}")
        return ExitCode.OK
    is_interactive = not options.inputs and sys.stdin.isatty() and sys.stdout.isatty()
    return int(_load(_PROMPT if is_interactive else _BATCH)(options))


def _load(place: str) -> Callable[[Any], int]:
    module, _, name = place.partition(":")
    function: Callable[[Any], int] = getattr(importlib.import_module(module), name)
    return function


if __name__ == "__main__":
    sys.exit(main())
