"""What functions may ask of the statement that runs them: time, randomness, settings, sequences, facts of the session."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lungfish.catalog.catalog import PG_TEMP_OID, is_temporary
from lungfish.catalog.objects import Oid
from lungfish.catalog.objects import Sequence as SequenceObject
from lungfish.errors import (
    NumericValueOutOfRange,
    ObjectNotInPrerequisiteState,
    ReadOnlySqlTransaction,
    UndefinedObject,
    UndefinedTable,
    WrongObjectType,
)
from lungfish.executor.system_views.catalog_answers import answer
from lungfish.functions.seeded_random import SeededRandom
from lungfish.recovery.views.storage_functions import STORAGE_ANSWERS
from lungfish.session.domain_checks import DomainChecks
from lungfish.session.relation_sizes import size_in_bytes
from lungfish.session.transaction_control import MODES, set_mode
from lungfish.sql.quoting import relation_name
from lungfish.storage.lock_modes import LockMode, LockTag, advisory_tag
from lungfish.types.settings import TextSettings
from lungfish.types.sql_type import SqlType

if TYPE_CHECKING:
    from lungfish.session.session import Session

VERSION = "PostgreSQL 18.0 (Lungfish 0.1.0)"

# How long pg_sleep waits until it looks whether it is to stop.
_SLEEP_PIECE_S = 0.02


class SessionFunctions:
    """Implements `functions.registry.FunctionContext` for one session; the statement's time is set at its start."""

    # Written by compiled code (connection/native_front.pyx), so it has a slot.
    __slots__ = ("__dict__", "statement_time_us")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.statement_time_us = 0
        self._current: dict[int, int] = {}
        self._last_sequence: Oid | None = None
        self._domains = DomainChecks(session, self)
        # The settings as they were last asked for, with the text settings that they were made of.
        self._dated_settings: tuple[TextSettings, TextSettings] | None = None

    # Time and chance.

    def statement_timestamp(self) -> int:
        """When the statement began, in microseconds since 1970 UTC."""
        return self.statement_time_us

    def transaction_timestamp(self) -> int:
        """When the transaction began."""
        return self._session.transaction_time_us

    def clock_timestamp(self) -> int:
        """Now."""
        return self._session.database.clock.utc_us()

    def sleep(self, seconds: float) -> None:
        """pg_sleep: waits in short pieces, so that the statement can be stopped. Raises QueryCanceled."""
        clock = self._session.database.clock
        end = clock.monotonic_s() + seconds
        while (left := end - clock.monotonic_s()) > 0:
            self._session.cancellation.check()
            clock.sleep(min(left, _SLEEP_PIECE_S))

    def random(self) -> float:
        """A number from 0 up to 1."""
        return self._session.random.random()

    def draw(self) -> float:
        """What random() answers; see `FunctionContext`."""
        return self._session.draws.random()

    def draw_bits(self) -> int:
        """64 bits of the same generator."""
        return self._session.draws.getrandbits(64)

    def seed_draws(self, seed: float) -> None:
        """setseed."""
        self._session.draws = SeededRandom(seed)

    # Settings.

    def _text_settings(self) -> TextSettings:
        """The session's text settings with the transaction's time, by which 'today' is read."""
        plain = self._session.settings.text
        now = self._session.transaction_time_us
        known = self._dated_settings
        if known is None or known[0] is not plain or known[1].transaction_timestamp != now:
            known = plain, replace(plain, transaction_timestamp=now)
            self._dated_settings = known
        return known[1]

    def setting(self, name: str) -> str:
        """The value of a setting. Raises UndefinedObject."""
        return self._session.show(name)

    def setting_or_none(self, name: str) -> str | None:
        """The value of a setting, or None if there is none of that name."""
        try:
            return self._session.show(name)
        except UndefinedObject:
            return None

    def set_setting(self, name: str, value: str | None, is_local: bool) -> None:
        """SET by function; None stands for the default."""
        if name.lower() in MODES:
            set_mode(self._session, name.lower(), value)
        else:
            self._session.settings.set(name, value, is_local=is_local)

    # Sequences.

    def next_value(self, name: str | int) -> int:
        """nextval. Raises SequenceGeneratorLimitExceeded at the end of a sequence that does not cycle."""
        sequence = self.find_sequence(name)
        self._require_writable("nextval", sequence)
        value = self._session.database.sequences.next_value(sequence, self._make_durable)
        self._current[sequence.oid] = value
        self._last_sequence = sequence.oid
        return value

    def current_value(self, name: str | int) -> int:
        """currval: what nextval last gave in this session."""
        sequence = self.find_sequence(name)
        value = self._current.get(sequence.oid)
        if value is None:
            raise ObjectNotInPrerequisiteState(
                f'currval of sequence "{sequence.name}" is not yet defined in this session'
            )
        return value

    def set_value(self, name: str | int, value: int, is_called: bool) -> int:
        """setval. Raises NumericValueOutOfRange's kin outside the sequence's bounds."""
        sequence = self.find_sequence(name)
        self._require_writable("setval", sequence)
        if not sequence.minimum <= value <= sequence.maximum:
            raise NumericValueOutOfRange(
                f'setval: value {value} is out of bounds for sequence "{sequence.name}" '
                f"({sequence.minimum}..{sequence.maximum})"
            )
        self._make_durable()
        self._session.database.sequences.set_value(sequence, value, is_called=is_called)
        if is_called:
            self._current[sequence.oid] = value
        return value

    def _make_durable(self) -> None:
        """Let the transaction's commit be flushed although it may write no row: what it was told must not come again after a crash."""
        transaction = self._session.transaction
        if transaction is not None and not transaction.is_read_only:
            transaction.assign_id()

    def _require_writable(self, name: str, sequence: SequenceObject) -> None:
        transaction = self._session.transaction
        if transaction is not None and transaction.is_read_only and not is_temporary(sequence):
            raise ReadOnlySqlTransaction(f"cannot execute {name}() in a read-only transaction")

    def last_value(self) -> int:
        """lastval: what the last nextval of this session gave, of whichever sequence."""
        known = self._last_sequence
        if known is None or self._session.catalog.object(known) is None:
            raise ObjectNotInPrerequisiteState("lastval is not yet defined in this session")
        return self._current[known]

    def forget_sequences(self) -> None:
        """DISCARD SEQUENCES: nextval has not been called in this session."""
        self._current.clear()
        self._last_sequence = None

    def find_sequence(self, name: str | int) -> SequenceObject:
        """The sequence that a text names, as regclass reads it, or that has the oid. Raises UndefinedTable."""
        catalog = self._session.catalog
        if isinstance(name, int):
            item = catalog.object(Oid(name))
            if item is None:
                raise UndefinedTable(f"could not open relation with OID {name}")
        else:
            schema, bare = relation_name(name)
            found = catalog.find_relation(bare, schema, self._session.settings.search_path)
            if found is None:
                raise UndefinedTable(f'relation "{name}" does not exist')
            item = found
        if not isinstance(item, SequenceObject):
            raise WrongObjectType(f'"{item.name}" is not a sequence')
        return item

    # Advisory locks.

    def advisory_lock(
        self, keys: Sequence[int], *, is_shared: bool, is_session: bool, waits: bool
    ) -> bool:
        """Take a lock on one bigint or two integers; False if it is not to be had without waiting."""
        mode = LockMode.SHARE if is_shared else LockMode.EXCLUSIVE
        return self._session.lock_advisory(
            _advisory_tag(keys), mode, is_session=is_session, waits=waits
        )

    def advisory_unlock(self, keys: Sequence[int], *, is_shared: bool) -> bool:
        """Give one back; false, with a warning, if the session does not hold it."""
        mode = LockMode.SHARE if is_shared else LockMode.EXCLUSIVE
        if self._session.unlock_advisory(_advisory_tag(keys), mode):
            return True
        self._session.notice(f"you don't own a lock of type {mode.label}", severity="WARNING")
        return False

    def advisory_unlock_all(self) -> None:
        """Give all of the session's own back."""
        self._session.unlock_all_advisory()

    # Facts.

    def ask_catalog(self, name: str, arguments: Iterable[Any]) -> Any:
        """What a function about the catalog answers."""
        session = self._session
        if name == "pg_sequence_last_value":
            (oid,) = arguments
            state = session.database.sequences.state(self.find_sequence(oid))
            return state.last_value if state is not None and state.is_called else None
        if name == "pg_get_sequence_data":
            (oid,) = arguments
            return self._sequence_row(oid)
        if name.endswith("_size"):
            return size_in_bytes(session.database, session.catalog, name, tuple(arguments))
        return answer(name, tuple(arguments), session.catalog, session.settings.search_path)

    def _sequence_row(self, oid: int) -> tuple[int | None, bool | None]:
        """The row that a sequence is to those who read it as a table; nulls of what is none."""
        item = self._session.catalog.object(Oid(oid))
        if not isinstance(item, SequenceObject):
            return None, None
        state = self._session.database.sequences.state(item)
        return (item.start, False) if state is None else (state.last_value, state.is_called)

    def check_domain(self, value: Any, domain: SqlType) -> None:
        """Raise if the value of the domain's base type is none of the domain's."""
        self._domains.check(value, domain)

    def name_of(self, kind: str, oid: int) -> str:
        """How regclass and its kin show an oid: `types.settings.ObjectNames`."""
        return str(self.ask_catalog(f"{kind}out", (oid,)))

    def oid_of(self, kind: str, text: str) -> int:
        """The oid of what they read."""
        return int(self.ask_catalog(f"{kind}in", (text,)))

    def ask_storage(self, name: str, arguments: Iterable[Any]) -> Any:
        """What a function about storage answers."""
        return STORAGE_ANSWERS[name](self._session.database.core, *arguments)

    def cursor_row(self, cursor: str, table_oid: int) -> int | None:
        """What WHERE CURRENT OF asks; see `FunctionContext`."""
        table = self._session.catalog.table(Oid(table_oid))
        return self._session.cursors.current_row(cursor, table)

    def call_routine(self, call: Any, arguments: Sequence[Any], statement: Any) -> Any:
        """What a routine in SQL answers; see `FunctionContext`."""
        return self._session.routines.run(call, arguments, statement)

    def cancel_session(self, number: int) -> bool:
        """Stop the statement of a session; see `FunctionContext`."""
        session = self._session
        for each in session.database.session_facts(session.number):
            if each.number == number:
                each.cancel()
                return True
        session.notice(f"PID {number} is not a PostgreSQL backend process", severity="WARNING")
        return False

    def session_fact(self, name: str) -> Any:
        """A fact by name; see `FunctionContext`."""
        session = self._session
        match name:
            case "current_user" | "session_user" | "user":
                return session.user
            case "current_database":
                return session.database.name
            case "current_schema":
                path = session.settings.search_path
                return next((item for item in path if session.catalog.namespace(item)), None)
            case "search_path":
                return session.settings.search_path
            case "backend_pid":
                return session.number
            case "transaction_id":
                return session.assign_transaction_id()
            case "own_transaction_id":
                facts = session.facts(session.number).transaction
                return None if facts is None else facts.xid or None
            case "query":
                return session.last_query
            case "version":
                return VERSION
            case "catalog":
                return session.catalog
            case "found_search_path":
                path = session.settings.search_path
                return [item for item in dict.fromkeys(path) if session.catalog.namespace(item)]
            case "implicit_schemas":
                own = session.catalog.namespace_name(PG_TEMP_OID)
                return [*([own] if session.catalog.temporaries() else []), "pg_catalog"]
            case "settings":
                return session.settings.facts()
            case "statistics":
                return session.database.statistics
            case "cursors":
                return dict(session.cursors.open)
            case "prepared":
                return dict(session.prepared)
            case "text_settings":
                return self._text_settings()
            case _:
                raise AssertionError(f"no such session fact: {name}")


def _advisory_tag(keys: Sequence[int]) -> LockTag:
    """One bigint, or two integers: kept apart by the bit above the second integer."""
    if len(keys) == 1:
        return advisory_tag(keys[0])
    return advisory_tag(keys[0], 1 << 32 | keys[1] & 0xFFFFFFFF)
