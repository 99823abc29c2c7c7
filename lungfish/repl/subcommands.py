"""The subcommands, in one table: what each is called, how it is written, what it does, and where it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subcommand:
    """`place` is the module and the function that runs it, loaded only then."""

    name: str
    usage: str
    summary: str
    place: str


SUBCOMMANDS: tuple[Subcommand, ...] = (
    Subcommand("run", "run FILE...", "run scripts, each on a new database", "lungfish.repl.batch:run_main"),
    Subcommand("test", "test PATH...", "run scripts that say what they expect", "lungfish.repl.test:test_main"),
    Subcommand("check", "check DB", "verify every page, checksum and index", "lungfish.repl.check:check_main"),
    Subcommand("dump", "dump DB", "write it as SQL, for PostgreSQL or Lungfish", "lungfish.repl.dump:dump_main"),
    Subcommand("load", "load DB FILE...", "load SQL, csv, tsv, jsonl, parquet, or sqlite:old.db", "lungfish.repl.load:load_main"),
    Subcommand("backup", "backup DB FILE", "back a database up, or verify a backup", "lungfish.repl.backup:backup_main"),
    Subcommand("restore", "restore FILE DB", "make a database of a backup, as it was at any moment since", "lungfish.repl.backup:restore_main"),
    Subcommand("info", "info DB", "what the file is and how it last opened", "lungfish.repl.info:info_main"),
    Subcommand("top", "top DB", "the log, checkpoints and readers of a database, live", "lungfish.repl.top:top_main"),
    Subcommand("metrics", "metrics DB", "every figure of storage, as OpenMetrics text", "lungfish.repl.metrics:metrics_main"),
    Subcommand("drill", "drill DB", "crash a copy of it at many moments, and see that nothing is lost", "lungfish.repl.drill:drill_main"),
    Subcommand("demo", "demo", "load, query, kill, recover, prove", "lungfish.repl.demo.demo:demo_main"),
)  # fmt: skip
