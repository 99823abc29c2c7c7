"""`lungfish --spec`: the command line as JSON, for programs that write command lines."""

from __future__ import annotations

import json

import lungfish
from lungfish.repl.arguments import shell_parser
from lungfish.repl.commands import COMMANDS
from lungfish.repl.exit_codes import ExitCode
from lungfish.repl.formats import FORMATS
from lungfish.repl.subcommands import SUBCOMMANDS


def spec_main(_options: object) -> int:
    """Print it; the exit code."""
    flags = [
        {
            "names": action.option_strings,
            "takes": action.metavar if action.nargs != 0 else None,
            "choices": None if action.choices is None else list(action.choices),
            "help": action.help,
        }
        for action in shell_parser()._actions
        if action.option_strings
    ]
    document = {
        "version": lungfish.__version__,
        "flags": flags,
        "subcommands": {each.name: each.summary for each in SUBCOMMANDS},
        "formats": list(FORMATS),
        "commands": sorted(COMMANDS),
        "exit_codes": {str(code.value): code.meaning for code in ExitCode},
    }
    print(json.dumps(document, indent=2))
    return ExitCode.OK
