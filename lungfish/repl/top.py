r"""`lungfish top DB`: what a database is doing, seen from another process; every two seconds, or once.

Who has it open and since when, how long the log is, how old the last checkpoint is and how much a restart would have to redo, who else reads
it, how far a recovery is. Sessions and locks live in the process that has it open: `\top` of its shell shows them.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import sys
import time
from collections.abc import Iterator, Sequence

from lungfish import errors
from lungfish.database.outside_view import OutsideView, look_from_outside
from lungfish.repl.arguments import Parser
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening

_DESCRIPTION = """\
What a database is doing, also while another process has it open.

  lungfish top app.db            again every two seconds, until Ctrl-C
  lungfish top app.db --once     once; so too where the output is no terminal
  lungfish top app.db --json     once, as JSON
"""
_CLEAR_SCREEN = "\x1b[H\x1b[2J"
_SECOND = 1_000_000


def top_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish top", description=_DESCRIPTION)
    parser.add_argument("database", metavar="DB")
    parser.add_argument("--once", action="store_true", help="look once, then leave")
    parser.add_argument("--json", action="store_true", help="once, as JSON")
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="how often")
    options = parser.parse_args(arguments)
    is_single = options.once or options.json or not sys.stdout.isatty()
    before: OutsideView | None = None
    try:
        while True:
            view = look_from_outside(options.database)
            if options.json:
                print(json.dumps(dataclasses.asdict(view), indent=2, default=dict))
                return ExitCode.OK
            if not is_single:
                print(_CLEAR_SCREEN, end="")
            for name, value in _lines(view, before):
                print(f"{name:<16} {value}")
            if is_single:
                return ExitCode.OK
            sys.stdout.flush()
            before = view
            time.sleep(options.every)
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)
    except KeyboardInterrupt:
        return ExitCode.OK


def _lines(view: OutsideView, before: OutsideView | None) -> Iterator[tuple[str, str]]:
    yield "database", view.path
    yield "state", view.state
    if view.holder:
        holder = view.holder
        yield "open in", f'process {holder["pid"]} ("{holder["command"]}") on {holder["host"]}'
        yield "since", f"{_moment(holder['since_us'])} ({_age(view.at_us - holder['since_us'])})"
    yield "file", f"{view.file_bytes:,} bytes{_growth(view, before, 'file_bytes')}"
    yield (
        "log",
        f"{view.log_bytes:,} bytes in {view.log_segments} segments{_growth(view, before, 'log_bytes')}",
    )
    if view.checkpoint_id:
        age = _age(view.at_us - view.checkpoint_at_us)
        yield "checkpoint", f"{view.checkpoint_id}, {age} ago ({_moment(view.checkpoint_at_us)})"
    yield "image", f"{view.image_bytes:,} bytes in {view.relations} relations"
    for reader in view.readers:
        age = _age(view.at_us - reader["since_us"])
        yield "read by", f"process {reader['pid']} for {age}, image {reader['generation']}"
    for name, value in (view.recovery or {}).items():
        if value is not None:
            yield f"recovery {name}"[:16], str(value)


def _growth(view: OutsideView, before: OutsideView | None, name: str) -> str:
    if before is None or view.at_us <= before.at_us:
        return ""
    change = getattr(view, name) - getattr(before, name)
    return f" ({change * _SECOND / (view.at_us - before.at_us):+,.0f} a second)"


def _moment(at_us: int) -> str:
    moment = datetime.datetime.fromtimestamp(at_us // _SECOND, datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _age(us: int) -> str:
    seconds = max(0, us // _SECOND)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
