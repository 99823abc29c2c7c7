"""The session's settings: SET, SHOW and RESET, with what each accepts.

Names, values and defaults are PostgreSQL's. A setting that PostgreSQL has and Lungfish gives no meaning to is accepted only
at the value that describes what Lungfish does; any other value raises 0A000, so that nobody believes in an effect that is not there.
The exception are settings that can never change an answer: hints to PostgreSQL's planner and memory limits (planner_settings.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lungfish.errors import (
    CantChangeRuntimeParam,
    FeatureNotSupported,
    InvalidParameterValue,
    UndefinedObject,
)
from lungfish.executor.memory import DEFAULT_BUDGET_BYTES
from lungfish.recovery.settings import STORAGE_SETTINGS, StorageSettings
from lungfish.session.planner_settings import PLANNER_SETTINGS
from lungfish.sql.backslashes import StringReading
from lungfish.storage.transactions import IsolationLevel
from lungfish.types.settings import ObjectNames, TextSettings
from lungfish.types.time_zones import fixed_zone_name, zone_by_name

_TRUE = {"on", "true", "yes", "1", "t", "y"}
_FALSE = {"off", "false", "no", "0", "f", "n"}
# An amount of memory without a unit is in kB.
_MEMORY = re.compile(r"([0-9]+(?:\.[0-9]*)?) *([A-Za-z]*)")
_MEMORY_UNITS = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_WORK_MEM_KB_MIN, _WORK_MEM_KB_MAX = 64, (1 << 31) - 1
_UNITS_MS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def _boolean(name: str, value: str) -> str:
    word = value.lower()
    if word in _TRUE:
        return "on"
    if word in _FALSE:
        return "off"
    raise InvalidParameterValue(f'parameter "{name}" requires a Boolean value')


def _milliseconds(name: str, value: str) -> str:
    """A duration; written back in milliseconds, as PostgreSQL shows 0 and whole seconds otherwise."""
    number = value.strip()
    unit = number.lstrip("+-0123456789. ")
    try:
        amount = float(number[: len(number) - len(unit)]) * _UNITS_MS[unit or "ms"]
    except (ValueError, KeyError):
        raise InvalidParameterValue(f'invalid value for parameter "{name}": "{value}"') from None
    if amount < 0:
        raise InvalidParameterValue(
            f'{amount:.0f} ms is outside the valid range for parameter "{name}"'
        )
    whole = round(amount)
    if whole == 0:
        return "0"
    for suffix, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if whole % size == 0:
            return f"{whole // size}{suffix}"
    return f"{whole}ms"


def milliseconds_of(value: str) -> float:
    """The number of milliseconds in a duration that `_milliseconds` wrote; 0 stands for no limit."""
    digits = value.rstrip("dhmins")
    return float(digits) * _UNITS_MS[value[len(digits) :] or "ms"]


def _integer(name: str, value: str) -> str:
    try:
        return str(int(value))
    except ValueError:
        raise InvalidParameterValue(f'invalid value for parameter "{name}": "{value}"') from None


def _number(name: str, value: str) -> str:
    try:
        float(value)
    except ValueError:
        raise InvalidParameterValue(f'invalid value for parameter "{name}": "{value}"') from None
    return value


def _text(name: str, value: str) -> str:
    return value


def _memory(name: str, value: str) -> str:
    """An amount of memory, written back in the largest unit that it is a whole number of, as PostgreSQL does."""
    found = _MEMORY.fullmatch(value.strip())
    unit = "kB" if found is None or not found[2] else found[2]
    if found is None or unit not in _MEMORY_UNITS:
        hint = None
        if found is not None:
            hint = 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".'
        raise InvalidParameterValue(
            f'invalid value for parameter "{name}": "{value}"', hint=hint
        ) from None
    size_kb = round(float(found[1]) * _MEMORY_UNITS[unit] / 1024)
    if not _WORK_MEM_KB_MIN <= size_kb <= _WORK_MEM_KB_MAX:
        raise InvalidParameterValue(
            f'{size_kb} kB is outside the valid range for parameter "{name}"'
            f" ({_WORK_MEM_KB_MIN} kB .. {_WORK_MEM_KB_MAX} kB)"
        )
    for name_of_unit in ("TB", "GB", "MB"):
        if size_kb * 1024 % _MEMORY_UNITS[name_of_unit] == 0:
            return f"{size_kb * 1024 // _MEMORY_UNITS[name_of_unit]}{name_of_unit}"
    return f"{size_kb}kB"


def bytes_of(value: str) -> int:
    """The number of bytes in an amount that `_memory` wrote."""
    return int(value[:-2]) * _MEMORY_UNITS[value[-2:]]


# A zone as hours east of UTC.
_HOURS = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")


def _time_zone(name: str, value: str) -> str:
    if value.lower() in ("default", "local"):
        return "UTC"
    hours = _HOURS.fullmatch(value.strip())
    if hours is not None:
        return fixed_zone_name(round(float(value) * 3600))
    return zone_by_name(value).name


_DATE_STYLES = {"iso": "ISO", "sql": "SQL", "postgres": "Postgres", "german": "German"}
_DATE_ORDERS = {
    **dict.fromkeys(("mdy", "us", "noneuro", "noneuropean"), "MDY"),
    **dict.fromkeys(("dmy", "euro", "european"), "DMY"),
    "ymd": "YMD",
}


def _date_style(name: str, value: str) -> str:
    return _date_style_over("ISO, MDY", value)


def _date_style_over(before: str, value: str) -> str:
    """DateStyle as SET says; what it does not speak of stays as before."""
    style: str | None = None
    order: str | None = None
    problem = InvalidParameterValue(f'invalid value for parameter "DateStyle": "{value}"')
    for word in value.replace(",", " ").lower().split():
        folded = "postgres" if word.startswith("postgres") else word
        if word == "default":
            before = "ISO, MDY"
        elif folded in _DATE_STYLES:
            if style not in (None, _DATE_STYLES[folded]):
                problem.detail = 'Conflicting "DateStyle" specifications.'
                raise problem
            style = _DATE_STYLES[folded]
        elif folded in _DATE_ORDERS:
            if order not in (None, _DATE_ORDERS[folded]):
                problem.detail = 'Conflicting "DateStyle" specifications.'
                raise problem
            order = _DATE_ORDERS[folded]
        else:
            problem.detail = f'Unrecognized key word: "{word}".'
            raise problem
    if style == "German" and order is None:
        order = "DMY"
    old_style, old_order = before.split(", ")
    return f"{style or old_style}, {order or old_order}"


def _one_of(*words: str) -> Callable[[str, str], str]:
    def check(name: str, value: str) -> str:
        if value.lower() not in words:
            raise InvalidParameterValue(
                f'invalid value for parameter "{name}": "{value}"',
                hint=f"Available values: {', '.join(words)}.",
            )
        return value.lower()

    return check


def _backslash_quote(name: str, value: str) -> str:
    words = {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"}
    return _one_of("safe_encoding", "on", "off")(name, words.get(value.lower(), value))


def _only(*words: str) -> Callable[[str, str], str]:
    """A setting that can only say what is so."""

    def check(name: str, value: str) -> str:
        if value.lower() not in [word.lower() for word in words]:
            raise FeatureNotSupported(
                f'{name} cannot be set to "{value}": only {" or ".join(words)} is supported'
            )
        return value

    return check


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting: its name as SHOW spells it, its default, and the function that checks and normalises a value."""

    name: str
    default: str
    check: Callable[[str, str], str]
    is_read_only: bool = False


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "boolean": _boolean,
    "number": _number,
    "text": _text,
}

# pg_settings.vartype.
_KINDS: dict[Callable[[str, str], str], str] = {
    _boolean: "bool",
    _integer: "integer",
    _memory: "integer",
    _milliseconds: "integer",
    _number: "real",
}

SETTINGS: dict[str, Setting] = {
    setting.name.lower(): setting
    for setting in (
        Setting("application_name", "", _text),
        Setting("bytea_output", "hex", _one_of("hex", "escape")),
        Setting("check_function_bodies", "on", _boolean),
        Setting("client_encoding", "UTF8", _only("UTF8", "utf-8", "unicode")),
        Setting("client_min_messages", "notice", _one_of("debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error")),
        Setting("DateStyle", "ISO, MDY", _date_style),
        Setting("default_tablespace", "", _only("")),
        Setting("default_table_access_method", "heap", _only("heap")),
        Setting("default_transaction_isolation", "read committed", _one_of("read uncommitted", "read committed", "repeatable read", "serializable")),
        Setting("default_transaction_read_only", "off", _boolean),
        Setting("extra_float_digits", "1", _integer),
        Setting("idle_in_transaction_session_timeout", "0", _milliseconds),
        Setting("IntervalStyle", "postgres", _one_of("postgres", "postgres_verbose", "sql_standard", "iso_8601")),
        Setting("lock_timeout", "0", _milliseconds),
        # Deadlocks are found at once, however long a wait was to last before they are looked for.
        Setting("deadlock_timeout", "1s", _milliseconds),
        Setting("row_security", "on", _only("on", "off")),
        Setting("search_path", '"$user", public', _text),
        Setting("server_encoding", "UTF8", _text, is_read_only=True),
        Setting("server_version", "18.0", _text, is_read_only=True),
        Setting("server_version_num", "180000", _text, is_read_only=True),
        Setting("standard_conforming_strings", "on", _boolean),
        Setting("backslash_quote", "safe_encoding", _backslash_quote),
        Setting("statement_timeout", "0", _milliseconds),
        Setting("synchronous_commit", "on", _one_of("on", "off", "local", "remote_write", "remote_apply")),
        Setting("TimeZone", "UTC", _time_zone),
        Setting("escape_string_warning", "on", _boolean),
        Setting("lc_messages", "C", _only("C", "POSIX", "C.UTF-8")),
        Setting("lc_monetary", "C", _only("C", "POSIX", "C.UTF-8")),
        Setting("lc_numeric", "C", _only("C", "POSIX", "C.UTF-8")),
        Setting("lc_time", "C", _only("C", "POSIX", "C.UTF-8")),
        Setting("transform_null_equals", "off", _only("off", "false", "0")),
        Setting("array_nulls", "on", _only("on", "true", "1")),
        Setting("transaction_deferrable", "off", _boolean),
        Setting("default_transaction_deferrable", "off", _boolean),
        Setting("role", "none", _only("none", "lungfish")),
        Setting("session_authorization", "lungfish", _only("lungfish", "default")),
        Setting("transaction_isolation", "read committed", _one_of("read uncommitted", "read committed", "repeatable read", "serializable"), is_read_only=True),
        Setting("transaction_read_only", "off", _boolean, is_read_only=True),
        Setting("transaction_timeout", "0", _milliseconds),
        Setting("wal_recovery_mode", "tail", _text, is_read_only=True),
        # What all blocking operators of a statement may hold together. PostgreSQL's is for each of them, and its default is 4MB.
        Setting("work_mem", f"{DEFAULT_BUDGET_BYTES >> 20}MB", _memory),
        Setting("xmloption", "content", _only("content")),
        Setting("jit", "off", _boolean),
        *(
            Setting(name, default, _CHECKS[kind])
            for name, kind, default in PLANNER_SETTINGS
        ),
    )
}  # fmt: skip


def checked_value(name: str, value: str) -> str:
    """A value of a session's setting, normalised. Raises UndefinedObject, InvalidParameterValue, FeatureNotSupported."""
    setting = SETTINGS.get(name.lower())
    if setting is None:
        raise UndefinedObject(f'unrecognized configuration parameter "{name}"')
    if setting.is_read_only:
        raise InvalidParameterValue(f'parameter "{setting.name}" cannot be changed')
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
        return self._find(name).default if found is None else found

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
        setting = self._find(name)
        if setting.is_read_only:
            raise InvalidParameterValue(f'parameter "{setting.name}" cannot be changed')
        if value is None:
            kept = self._defaults.get(folded, setting.default)
        elif folded == "datestyle":
            kept = _date_style_over(self.get(name), value)
        else:
            kept = checked_value(name, value)
        self._keep(folded, kept, is_local=is_local)
        return kept

    def set_default(self, name: str, value: str) -> None:
        """Change what RESET goes back to; of a setting of the whole database, its value. Raises as `set`."""
        if name.lower() in STORAGE_SETTINGS:
            self._shared.set(name.lower(), value)
            return
        setting = self._find(name)
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
            if setting.check is _milliseconds:
                unit = "ms"
                value, default = (f"{milliseconds_of(text):.0f}" for text in (value, default))
            elif setting.check is _memory:
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
            time_zone=zone_by_name(self.get("TimeZone")),
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

    @staticmethod
    def _find(name: str) -> Setting:
        setting = SETTINGS.get(name.lower())
        if setting is None:
            raise UndefinedObject(f'unrecognized configuration parameter "{name}"')
        return setting
