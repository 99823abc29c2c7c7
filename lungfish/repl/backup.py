"""`lungfish backup DB FILE` and `lungfish restore FILE DB`."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Sequence

import lungfish
from lungfish import errors
from lungfish.recovery.backup import Progress
from lungfish.recovery.wal_records import format_lsn
from lungfish.repl.arguments import Parser, add_recovery_mode
from lungfish.repl.error_text import format_error
from lungfish.repl.exit_codes import ExitCode, exit_code_of_opening

_BAR_WIDTH = 30


def backup_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish backup", description="Back a database up into one file.")
    parser.add_argument("database", metavar="DB")
    parser.add_argument("file", metavar="FILE", nargs="?")
    parser.add_argument(
        "--incremental-from", metavar="BASE", help="only what has changed since this backup"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")
    parser.add_argument("--verify", action="store_true", help="read FILE back and check it")
    parser.add_argument(
        "--verify-only", action="store_true", help="take DB for a backup, and only check it"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    add_recovery_mode(parser)
    options = parser.parse_args(arguments)
    if options.verify_only != (options.file is None):
        parser.error("give DB and FILE, or --verify-only and a backup")

    def run() -> int:
        if options.verify_only:
            return _verify(options.database)
        mode = options.wal_recovery_mode
        with lungfish.open(options.database, create=False, wal_recovery_mode=mode) as database:
            report = database.backup(
                options.file,
                incremental_from=options.incremental_from,
                overwrite=options.overwrite,
                progress=None if options.quiet else _bar(),
            )
        print(
            f"{options.file}: {report.kind} backup of {report.bytes:,} bytes,"
            f" up to {format_lsn(report.end_lsn)}"
        )
        return _verify(options.file) if options.verify else ExitCode.OK

    return _guarded(run)


def restore_main(arguments: Sequence[str]) -> int:
    """Run the subcommand; its exit code."""
    parser = Parser(prog="lungfish restore", description="Make a database of a backup.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("database", metavar="DB")
    target = parser.add_mutually_exclusive_group()
    target.add_argument("--lsn", metavar="LSN", help="as it was at this position of the log")
    target.add_argument("--time", metavar="TIME", help="as it was then (ISO 8601; UTC unless said)")
    target.add_argument("--name", metavar="NAME", help="as at a restore point or named checkpoint")
    parser.add_argument("--archive", metavar="DIR", help="archive_path of the database")
    parser.add_argument("--wal", metavar="DIR", help="the log beside the database, DB-wal")
    parser.add_argument("--overwrite", action="store_true", help="replace DB if it is there")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what it would do, write nothing"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(arguments)
    time = None
    if options.time is not None:
        try:
            time = datetime.datetime.fromisoformat(options.time)
        except ValueError:
            parser.error(f"not a time: {options.time}")
        if time.tzinfo is None:
            time = time.replace(tzinfo=datetime.UTC)

    def run() -> int:
        report = lungfish.restore(
            options.file,
            options.database,
            lsn=options.lsn,
            time=time,
            name=options.name,
            archive=options.archive,
            wal=options.wal,
            overwrite=options.overwrite,
            dry_run=options.dry_run,
            progress=None if options.quiet else _bar(),
        )
        for warning in report.warnings:
            print(f"WARNING:  {warning}", file=sys.stderr)
        verb = "would be restored" if options.dry_run else "restored"
        print(
            f"{options.database}: {verb} to {format_lsn(report.restored_lsn)} of"
            f" {format_lsn(report.available_lsn)}: an image of {report.image_bytes:,} bytes and"
            f" {report.transactions:,} transactions from {report.segments} segments of the log"
        )
        return ExitCode.OK

    return _guarded(run)


def _verify(path: str) -> int:
    report = lungfish.verify_backup(path)
    for problem in report.problems:
        print(problem)
    verdict = f"{len(report.problems)} problems" if report.problems else "ok"
    print(f"{path}: {verdict} ({report.pages:,} pages, {report.bytes:,} bytes)")
    return ExitCode.CORRUPTION if report.problems else ExitCode.OK


def _guarded(run: Callable[[], int]) -> int:
    try:
        return run()
    except errors.Error as error:
        print(format_error(error), file=sys.stderr)
        return exit_code_of_opening(error)


def _bar() -> Progress | None:
    """Shows how far it is, on a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        share = done / total if total else 1.0
        filled = "#" * int(share * _BAR_WIDTH)
        end = "\n" if done >= total else ""
        print(f"\r[{filled:<{_BAR_WIDTH}}] {share:4.0%}", end=end, file=sys.stderr, flush=True)

    return show
