"""The session's settings: SET, SHOW and RESET, with what each accepts.

Names, values and defaults are PostgreSQL's. A setting that PostgreSQL has and Lungfish gives no meaning to is accepted only
at the value that describes what Lungfish does; any other value raises 0A000, so that nobody believes in an effect that is not there.
The exception are settings that can never change an answer: hints to PostgreSQL's planner and memory limits (planner_settings.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lungfish.errors import (
    CantChangeRuntimeParam,
    FeatureNotSupported,
    UndefinedObject,
)
from lungfish.executor.memory import DEFAULT_BUDGET_BYTES
from lungfish.recovery.settings import STORAGE_SETTINGS, StorageSettings
from lungfish.session.missing_settings import MISSING_SETTINGS
from lungfish.session.planner_settings import PLANNER_SETTINGS
from lungfish.session.server_settings import FIXED_SETTINGS, SERVER_SETTINGS
from lungfish.session.setting_checks import (
    bytes_of,
    check_backslash_quote,
    check_boolean,
    check_date_style,
    check_float_digits,
    check_integer,
    check_memory,
    check_milliseconds,
    check_number,
    check_text,
    check_time_zone,
    date_style_over,
    milliseconds_of,
    one_of,
    only,
    session_zone,
)
from lungfish.sql.backslashes import StringReading
from lungfish.storage.transactions import IsolationLevel
from lungfish.types.settings import ObjectNames, TextSettings


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its name as SHOW spells it, its default, and the function that checks and normalises a value."""

    name: str
    default: str
    check: Callable[[str, str], str]
    is_read_only: bool = False


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "boolean": check_boolean,
    "number": check_number,
    "text": check_text,
}

# pg_settings.vartype.
_KINDS: dict[Callable[[str, str], str], str] = {
    check_boolean: "bool",
    check_float_digits: "integer",
    check_integer: "integer",
    check_memory: "integer",
    check_milliseconds: "integer",
    check_number: "real",
}

SETTINGS: dict[str, Setting] = {
    setting.name.lower(): setting
    for setting in (
        Setting("application_name", "", check_text),
        Setting("bytea_output", "hex", one_of("hex", "escape")),
        Setting("check_function_bodies", "on", check_boolean),
        Setting("client_encoding", "UTF8", only("UTF8", "utf-8", "unicode")),
        Setting("client_min_messages", "notice", one_of("debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error")),
        Setting("DateStyle", "ISO, MDY", check_date_style),
        Setting("default_tablespace", "", only("")),
        Setting("default_table_access_method", "heap", only("heap")),
        Setting("default_transaction_isolation", "read committed", one_of("read uncommitted", "read committed", "repeatable read", "serializable")),
        Setting("default_transaction_read_only", "off", check_boolean),
        Setting("extra_float_digits", "1", check_float_digits),
        Setting("idle_in_transaction_session_timeout", "0", check_milliseconds),
        Setting("IntervalStyle", "postgres", one_of("postgres", "postgres_verbose", "sql_standard", "iso_8601")),
        Setting("lock_timeout", "0", check_milliseconds),
        # Deadlocks are found at once, however long a wait was to last before they are looked for.
        Setting("deadlock_timeout", "1s", check_milliseconds),
        Setting("restrict_nonsystem_relation_kind", "", only("")),
        Setting("row_security", "on", only("on", "off")),
        Setting("search_path", '"$user", public', check_text),
        Setting("server_encoding", "UTF8", check_text, is_read_only=True),
        Setting("server_version", "18.0", check_text, is_read_only=True),
        Setting("server_version_num", "180000", check_text, is_read_only=True),
        Setting("standard_conforming_strings", "on", check_boolean),
        Setting("backslash_quote", "safe_encoding", check_backslash_quote),
        Setting("statement_timeout", "0", check_milliseconds),
        Setting("synchronous_commit", "on", one_of("on", "off", "local", "remote_write", "remote_apply")),
        Setting("TimeZone", "UTC", check_time_zone),
        Setting("escape_string_warning", "on", check_boolean),
        Setting("lc_messages", "C", only("C", "POSIX", "C.UTF-8")),
        Setting("lc_monetary", "C", only("C", "POSIX", "C.UTF-8")),
        Setting("lc_numeric", "C", only("C", "POSIX", "C.UTF-8")),
        Setting("lc_time", "C", only("C", "POSIX", "C.UTF-8")),
        Setting("transform_null_equals", "off", only("off", "false", "0")),
        Setting("array_nulls", "on", only("on", "true", "1")),
        Setting("transaction_deferrable", "off", check_boolean),
        Setting("default_transaction_deferrable", "off", check_boolean),
        Setting("role", "none", only("none", "lungfish")),
        Setting("session_authorization", "lungfish", only("lungfish", "default")),
        Setting("transaction_isolation", "read committed", one_of("read uncommitted", "read committed", "repeatable read", "serializable"), is_read_only=True),
        Setting("transaction_read_only", "off", check_boolean, is_read_only=True),
        Setting("transaction_timeout", "0", check_milliseconds),
        Setting("wal_recovery_mode", "tail", check_text, is_read_only=True),
        # What all blocking operators of a statement may hold together. PostgreSQL's is for each of them, and its default is 4MB.
        Setting("work_mem", f"{DEFAULT_BUDGET_BYTES >> 20}MB", check_memory),
        Setting("xmloption", "content", only("content")),
        Setting("jit", "off", check_boolean),
        *(
            Setting(name, default, _CHECKS[kind])
            for name, kind, default in PLANNER_SETTINGS
        ),
        *(Setting(name, default, check) for name, default, check in SERVER_SETTINGS),
        *(Setting(name, value, check, is_read_only=True) for name, value, check in FIXED_SETTINGS),
    )
}  # fmt: skip


def _find(name: str) -> Setting:
    setting = SETTINGS.get(name.lower())
    if setting is not None:
        return setting
    if name.lower() in MISSING_SETTINGS:
        raise FeatureNotSupported(f'setting "{name.lower()}" is not supported')
    raise UndefinedObject(f'unrecognized configuration parameter "{name}"')


def checked_value(name: str, value: str) -> str:
    """A value of a session's setting, normalised. Raises UndefinedObject, InvalidParameterValue, FeatureNotSupported."""
    setting = _find(name)
    if setting.is_read_only:
        raise CantChangeRuntimeParam(f'parameter "{setting.name}" cannot be changed')
    return setting.check(setting.name, value)


def shown_name(name: str) -> str:
    """The name of a setting in its own spelling."""
    setting = SETTINGS.get(name.lower())
    return name.lower() if setting is None else setting.name


class SessionSettings:
    """The current values. SET LOCAL and a SET in a transaction that rolls back are undone through `snapshot` and `restore`."""

    # What compiled code reads (connection/native_front.pyx) stands in slots, where it needs no look-up.
    __slots__ = ("__dict__", "default_isolation", "search_path", "statement_timeout_s", "text")

    def __init__(self, shared: StorageSettings) -> None:
        """`shared` are the settings of the whole database, which are set and shown here too."""
        self._shared = shared
        # Replaced, never changed, so that a snapshot is the dict itself.
        self._values: Mapping[str, str] = {}
        # What RESET goes back to where that is not the setting's own default.
        self._defaults: dict[str, str] = {}
        self._local: dict[str, str | None] = {}
        self.text = TextSettings()
        self.search_path: tuple[str, ...] = ("public",)
        # What each statement looks at, kept at hand.
        self.lock_timeout_s: float | None = None
        self.statement_timeout_s = 0.0
        self.work_mem_bytes = DEFAULT_BUDGET_BYTES
        self.is_synchronous = True
        self.default_isolation = IsolationLevel.READ_COMMITTED
        self.is_read_only = False
        # How strings in texts are read; None: as the parser does.
        self.string_reading: StringReading | None = None
        # Called when it has changed.
        self.on_string_reading: Callable[[], None] | None = None
        for name, text in shared.stored.items():
            if name in SETTINGS:
                self.set_default(name, text)

    def show_names(self, names: ObjectNames) -> None:
        """Let regclass and its kin be shown and read by the session's catalog."""
        self.text = replace(self.text, names=names)

    def get(self, name: str) -> str:
        """The value as SHOW writes it. Raises UndefinedObject."""
        folded = name.lower()
        if folded in self._values:
            return self._values[folded]
        if folded in STORAGE_SETTINGS:
            return self._shared.show(folded)
        found = self._defaults.get(folded)
        return _find(name).default if found is None else found

    def set(self, name: str, value: str | None, *, is_local: bool = False) -> str:
        """Set, or (None) reset; answers the value as kept. Raises UndefinedObject, InvalidParameterValue, FeatureNotSupported."""
        folded = name.lower()
        if folded in STORAGE_SETTINGS:
            if is_local:
                raise CantChangeRuntimeParam(
                    f'parameter "{folded}" cannot be set locally',
                    detail="It has one value for the whole database.",
                )
            self._shared.set(folded, value)
            return self._shared.show(folded)
        if "." in folded and folded not in SETTINGS:
            # A customised option: any value, as in PostgreSQL. Empty it stays known when it is set back.
            self._defaults.setdefault(folded, "")
            self._keep(folded, value or "", is_local=is_local)
            return value or ""
        setting = _find(name)
        if setting.is_read_only:
            raise CantChangeRuntimeParam(f'parameter "{setting.name}" cannot be changed')
        if value is None:
            kept = self._defaults.get(folded, setting.default)
        elif folded == "datestyle":
            kept = date_style_over(self.get(name), value)
        else:
            kept = checked_value(name, value)
        self._keep(folded, kept, is_local=is_local)
        return kept

    def set_default(self, name: str, value: str) -> None:
        """Change what RESET goes back to; of a setting of the whole database, its value. Raises as `set`."""
        if name.lower() in STORAGE_SETTINGS:
            self._shared.set(name.lower(), value)
            return
        setting = _find(name)
        self._defaults[name.lower()] = setting.check(setting.name, value)
        self._derive()

    def reset_all(self) -> None:
        """Every setting at its default."""
        for name in list(self._values):
            self.set(name, None)

    def names(self) -> list[str]:
        """The names of all settings, as SHOW ALL lists them."""
        return sorted([*(setting.name for setting in SETTINGS.values()), *STORAGE_SETTINGS])

    def facts(self) -> list[tuple[str, str, str | None, str, str, str]]:
        """What pg_settings says of each setting: name, value, unit, context, type and the value that it starts with."""
        found = []
        for setting in SETTINGS.values():
            value, default, unit = self.get(setting.name), setting.default, None
            if setting.check is check_milliseconds:
                unit = "ms"
                value, default = (f"{milliseconds_of(text):.0f}" for text in (value, default))
            elif setting.check is check_memory:
                unit = "kB"
                value, default = (str(bytes_of(text) >> 10) for text in (value, default))
            context = "internal" if setting.is_read_only else "user"
            kind = _KINDS.get(setting.check, "string")
            found.append((setting.name, value, unit, context, kind, default))
        for name in STORAGE_SETTINGS:
            value = self.get(name)
            found.append((name, value, None, "sighup", "string", value))
        return sorted(found, key=lambda row: row[0].lower())

    def snapshot(self) -> Mapping[str, str]:
        """The values as they are, to be restored if the transaction rolls back."""
        return self._values

    def locals(self) -> Mapping[str, str | None]:
        """What SET LOCAL has set so far, each with what holds after the transaction."""
        return dict(self._local)

    def restore(self, values: Mapping[str, str], local: Mapping[str, str | None]) -> None:
        """Go back to values that `snapshot` and `locals` gave."""
        self._local = dict(local)
        if values is not self._values:
            self._values = values
            self._derive()

    def adopt(self, other: SessionSettings) -> None:
        """Take another session's values, and what RESET goes back to there."""
        self._values, self._defaults = other._values, dict(other._defaults)
        self._derive()

    def end_transaction(self) -> None:
        """Undo what SET LOCAL set."""
        if not self._local:
            return
        values = dict(self._values)
        for name, before in self._local.items():
            if before is None:
                values.pop(name, None)
            else:
                values[name] = before
        self._values = values
        self._local.clear()
        self._derive()

    def _keep(self, name: str, value: str, *, is_local: bool) -> None:
        if is_local:
            self._local.setdefault(name, self._values.get(name))
        else:
            self._local.pop(name, None)
        self._values = {**self._values, name: value}
        self._derive()

    def _derive(self) -> None:
        """What other rooms need of the settings, in their form."""
        style = self.get("DateStyle").split(", ")
        text = replace(
            self.text,
            time_zone=session_zone(self.get("TimeZone")),
            date_style=style[0],
            date_order=style[1],
            interval_style=self.get("IntervalStyle"),
            bytea_output=self.get("bytea_output"),
            extra_float_digits=int(self.get("extra_float_digits")),
        )
        if text != self.text:
            # The same object as long as it says the same, as with the search path.
            self.text = text
        lock_timeout_ms = milliseconds_of(self.get("lock_timeout"))
        self.lock_timeout_s = lock_timeout_ms / 1000 if lock_timeout_ms else None
        self.statement_timeout_s = milliseconds_of(self.get("statement_timeout")) / 1000
        self.work_mem_bytes = bytes_of(self.get("work_mem"))
        self.is_synchronous = self.get("synchronous_commit") != "off"
        self.default_isolation = IsolationLevel(self.get("default_transaction_isolation"))
        self.is_read_only = self.get("default_transaction_read_only") == "on"
        self._derive_string_reading()
        path = [word.strip().strip('"') for word in self.get("search_path").split(",")]
        search_path = tuple(word for word in path if word and word != "$user")
        if search_path != self.search_path:
            # The same object as long as it says the same: ready statements compare it by identity.
            self.search_path = search_path

    def _derive_string_reading(self) -> None:
        reading = StringReading(
            is_standard=self.get("standard_conforming_strings") == "on",
            warns=self.get("escape_string_warning") == "on",
            refuses_quotes=self.get("backslash_quote") == "off",
        )
        found = None if reading.is_standard and not reading.refuses_quotes else reading
        if found != self.string_reading:
            self.string_reading = found
            if self.on_string_reading is not None:
                self.on_string_reading()
