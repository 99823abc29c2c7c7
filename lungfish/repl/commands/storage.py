r"""What storage and recovery are doing: \top \locks \ckpt \wal \pages \stats \explain \as-of. Each asks the views of docs/storage.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lungfish import errors
from lungfish.repl.commands.entry import Entry, one_word, words_of
from lungfish.repl.describe import Pattern, query
from lungfish.repl.formats import ResultText
from lungfish.repl.interpreter import Command, Interpreter


@dataclass(frozen=True, slots=True)
class Panel:
    """One table of a report: its title, and the query behind it."""

    title: str
    sql: str


_SESSIONS = Panel(
    "Sessions",
    """SELECT pid, application_name AS application, state,
         to_char(clock_timestamp() - xact_start, 'HH24:MI:SS') AS "in transaction",
         to_char(clock_timestamp() - query_start, 'HH24:MI:SS') AS "since query", left(query, 60) AS query
       FROM pg_catalog.pg_stat_activity ORDER BY xact_start NULLS LAST, pid""",
)
_LOCKS = Panel(
    "Locks",
    """SELECT l.pid, l.locktype AS type, coalesce(CAST(c.relname AS text), CAST(l.relation AS text)) AS relation, l.mode, l.granted,
         left(a.query, 50) AS query
       FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
       LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid ORDER BY l.granted, l.pid, 3""",
)
_CHECKPOINT_STATUS = Panel(
    "Checkpoint now",
    """SELECT state, kind, mode, pages_done, pages_total, eta_ms, waiting_writers, wal_bytes_since_redo,
         round(CAST(seconds_since_success AS numeric), 1) AS "seconds since last", last_error
       FROM lungfish.checkpoint_status""",
)
_CHECKPOINTS = Panel(
    "Last checkpoints",
    """SELECT checkpoint_id AS id, kind, trigger, outcome, finished_at, pages_written AS pages,
         pg_catalog.pg_size_pretty(bytes_written) AS written, round(CAST(fence_ms AS numeric), 2) AS fence_ms,
         round(CAST(total_ms AS numeric), 1) AS total_ms
       FROM lungfish.checkpoint_history ORDER BY checkpoint_id DESC LIMIT 10""",
)
_WAL = Panel(
    "Log",
    """SELECT wal_records AS records, pg_catalog.pg_size_pretty(wal_bytes) AS written, wal_fpi AS "page images", stats_reset
       FROM pg_catalog.pg_stat_wal""",
)
_SEGMENTS = Panel(
    "Segments",
    """SELECT segment_no AS segment, start_lsn, end_lsn, pg_catalog.pg_size_pretty(size_bytes) AS size, state, needed_by
       FROM lungfish.wal_segments ORDER BY segment_no""",
)
_RETENTION = Panel(
    "Who keeps the log",
    """SELECT holder_kind AS holder, owner, pinned_lsn, pg_catalog.pg_size_pretty(pinned_bytes) AS pinned,
         round(CAST(age_s AS numeric), 1) AS age_s, is_binding AS binding, remedy
       FROM lungfish.wal_retention ORDER BY pinned_bytes DESC""",
)
_IO = Panel(
    "Input and output",
    """SELECT backend_type AS who, object, reads, pg_catalog.pg_size_pretty(read_bytes) AS read, writes,
         pg_catalog.pg_size_pretty(write_bytes) AS written, hits, evictions, fsyncs
       FROM pg_catalog.pg_stat_io WHERE reads > 0 OR writes > 0 OR hits > 0 ORDER BY 1, 2""",
)
_HEALTH = Panel(
    "Health",
    "SELECT check_name AS check, level, value, unit, remedy FROM lungfish.health ORDER BY level, check_name",
)
_PAGES = """SELECT m.name AS relation, m.kind,
         pg_catalog.pg_size_pretty(pg_catalog.pg_relation_size(c.oid)) AS size, m.dirty_pages AS dirty, m.high_water_lsn, m.state
       FROM lungfish.relation_marks m LEFT JOIN pg_catalog.pg_class c ON c.relname = m.name
       WHERE m.name LIKE :name OR m.table_name LIKE :name ORDER BY m.kind DESC, m.name"""

# Clears the terminal and goes to its first place.
_CLEAR_SCREEN = "\x1b[H\x1b[2J"
_TOP_SECONDS_DEFAULT = 2.0
TOP_PANELS = (_SESSIONS, _LOCKS, _CHECKPOINT_STATUS, _WAL, _IO)


def _report(panels: Sequence[Panel]) -> Command:
    """A command that shows these tables."""

    def command(interpreter: Interpreter, _name: str, _argument: str) -> None:
        for panel in panels:
            interpreter.show_result(_fill(interpreter, panel))

    return command


def _fill(interpreter: Interpreter, panel: Panel) -> ResultText:
    result = query(interpreter.target.connection, panel.sql)
    return replace(result, title=panel.title)


def _pages(interpreter: Interpreter, name: str, argument: str) -> None:
    pattern = Pattern.parse(one_word(interpreter, name, argument))
    result = query(interpreter.target.connection, _PAGES, name=pattern.name)
    if not len(result.rows):
        raise errors.UndefinedTable(f'Did not find any relation named "{argument}".')
    interpreter.show_result(replace(result, title=f"Pages of {argument}"))


def _top(interpreter: Interpreter, name: str, argument: str) -> None:
    """The panels again and again at a terminal, once otherwise."""
    words = words_of(interpreter, argument)
    try:
        seconds = float(words[0]) if words else _TOP_SECONDS_DEFAULT
        count = int(words[1]) if len(words) > 1 else 0
    except ValueError as error:
        raise errors.SyntaxError(f"{name} takes seconds and a count") from error
    if not interpreter.is_interactive:
        count = 1
    rounds = 0
    while True:
        texts = [_fill(interpreter, panel) for panel in TOP_PANELS]
        if interpreter.is_interactive:
            interpreter.out.write(_CLEAR_SCREEN)
        with interpreter.printing_to(interpreter.out):
            for text in texts:
                interpreter.show_result(text)
        interpreter.out.flush()
        rounds += 1
        if count and rounds >= count:
            return
        try:
            interpreter.pause(seconds)
        except KeyboardInterrupt:
            return


def _explain(interpreter: Interpreter, _name: str, argument: str) -> None:
    """The plan of the statement in the buffer, of the last one, or of the one behind the command."""
    words = argument.split(None, 1)
    is_plain = bool(words) and words[0].lower() == "plan"
    rest = "".join(words[1:]) if is_plain else argument
    sql = interpreter.take_buffer(rest) or interpreter.last_sql
    if not sql:
        raise errors.SyntaxError("there is no statement in the query buffer")
    interpreter.run_sql(f"EXPLAIN {'' if is_plain else '(ANALYZE) '}{sql.rstrip(';')}")
    # \\explain again explains the statement, not its explanation.
    interpreter.last_sql = sql


def _as_of(interpreter: Interpreter, _name: str, argument: str) -> None:
    word = "".join(words_of(interpreter, argument)[:1])
    interpreter.target.look_at(word if word not in ("", "now") else None)
    if interpreter.target.snapshot is None:
        interpreter.say("You see the database as it is now.")
    else:
        interpreter.say(
            f'You see the database as checkpoint "{word}" has it; \\as-of now ends that.'
        )


ENTRIES = (
    Entry(("\\top",), "\\top [SECONDS [COUNT]]", "sessions, locks, checkpoint, log and I/O, live", _top),
    Entry(("\\locks",), "\\locks", "who holds and who waits for what", _report((_LOCKS,))),
    Entry(("\\ckpt",), "\\ckpt", "the checkpoint now, and the last ones", _report((_CHECKPOINT_STATUS, _CHECKPOINTS))),
    Entry(("\\wal",), "\\wal", "the log, its segments, and who keeps them", _report((_WAL, _SEGMENTS, _RETENTION))),
    Entry(("\\pages",), "\\pages TABLE", "pages of a table and its indexes", _pages, "table"),
    Entry(("\\stats",), "\\stats", "input, output, cache and health", _report((_IO, _HEALTH))),
    Entry(("\\explain",), "\\explain [plan] [STATEMENT]", "run the statement (or the last) and show its plan with times", _explain),
    Entry(("\\as-of",), "\\as-of [CHECKPOINT|now]", "look at the database as a named checkpoint has it", _as_of),
)  # fmt: skip
