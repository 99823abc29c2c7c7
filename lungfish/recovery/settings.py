"""The settings of storage: one value for the whole database, whoever is connected.

    SET name = value                    from now on, until the database is closed
    ALTER SYSTEM SET name = value       from now on, for good: kept with the image, and noted in the log
    SHOW name                           the value in force

A value in force comes from SET, else from ALTER SYSTEM SET, else from the program that opened the database, else it is the default.
Sizes take kB, MB, GB, TB (bytes without a unit), times us, ms, s, min, h, d (what the setting's name or text says without a unit).

Settings of a session can be kept by ALTER SYSTEM SET too: they are then what new sessions begin with.
"""

from __future__ import annotations

import enum
import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lungfish import errors

_SIZES = {"": 1, "B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_TIMES_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0}  # fmt: skip
_TRUE = ("on", "true", "yes", "1")
_FALSE = ("off", "false", "no", "0")


class ValueKind(enum.Enum):
    """What a setting's value is."""

    # Bytes, or bytes a second.
    SIZE = "size"
    MILLISECONDS = "ms"
    SECONDS = "s"
    INTEGER = "integer"
    REAL = "real"
    SWITCH = "switch"
    WORD = "word"
    # Any text, such as a path.
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class StorageSetting:
    """One setting."""

    name: str
    kind: ValueKind
    default: str
    help: str
    minimum: float = 0.0
    maximum: float = math.inf
    words: tuple[str, ...] = ()
    # Words that PostgreSQL or another system would take, and why they cannot be set here.
    refused: Mapping[str, str] = field(default_factory=dict)

    def parse(self, text: str) -> float | str:
        """The value that a text stands for: a number (0 or 1 for a switch), or a word.

        Raises InvalidParameterValue, and FeatureNotSupported for a value that would have no effect.
        """
        if self.kind is ValueKind.TEXT:
            return text.strip()
        folded = text.strip().lower()
        if self.kind is ValueKind.WORD:
            if folded in self.refused:
                raise errors.FeatureNotSupported(
                    f'{self.name} cannot be "{folded}"', detail=self.refused[folded]
                )
            if folded not in self.words:
                raise self._invalid(text, f"Available values: {', '.join(self.words)}.")
            return folded
        if self.kind is ValueKind.SWITCH:
            if folded not in (*_TRUE, *_FALSE):
                raise errors.InvalidParameterValue(
                    f'parameter "{self.name}" requires a Boolean value'
                )
            return float(folded in _TRUE)
        value = self._number(text.strip())
        if not self.minimum <= value <= self.maximum:
            raise errors.InvalidParameterValue(
                f'{self.show(value)} is outside the valid range for parameter "{self.name}" '
                f"({self.show(self.minimum)} .. {self.show(self.maximum)})"
            )
        return value

    def show(self, value: float | str) -> str:
        """A value as SHOW writes it: with the largest unit that makes it whole."""
        if isinstance(value, str):
            return value
        match self.kind:
            case ValueKind.SWITCH:
                return "on" if value else "off"
            case ValueKind.SIZE:
                return _with_unit(value, _SIZES)
            case ValueKind.MILLISECONDS:
                return _with_unit(value, _TIMES_MS)
            case ValueKind.SECONDS:
                return _with_unit(value * 1000, _TIMES_MS)
        return f"{value:g}"

    def _number(self, text: str) -> float:
        unit = text.lstrip("+-0123456789. ")
        digits = text[: len(text) - len(unit)].strip()
        match self.kind:
            case ValueKind.SIZE:
                units: Mapping[str, float] = _SIZES
            case ValueKind.MILLISECONDS:
                units = {"": 1.0, **_TIMES_MS}
            case ValueKind.SECONDS:
                units = {"": 1000.0, **_TIMES_MS}
            case _:
                units = {"": 1.0}
        if unit not in units:
            known = ", ".join(f'"{each}"' for each in units if each)
            raise self._invalid(
                text, f"Valid units for this parameter are {known}." if known else None
            )
        try:
            value = float(digits) * units[unit]
        except ValueError:
            raise self._invalid(text, None) from None
        if self.kind is ValueKind.SECONDS:
            value /= 1000
        if self.kind in (ValueKind.SIZE, ValueKind.INTEGER) and not value.is_integer():
            raise self._invalid(text, None)
        return value

    def _invalid(self, text: str, hint: str | None) -> errors.Error:
        return errors.InvalidParameterValue(
            f'invalid value for parameter "{self.name}": "{text}"', hint=hint
        )


def _with_unit(value: float, units: Mapping[str, float]) -> str:
    if not value:
        return "0"
    if math.isinf(value):
        return "unlimited"
    for unit, size in sorted(units.items(), key=lambda item: -item[1]):
        count = value / size
        if count >= 1 - 1e-9 and abs(count - round(count)) < 1e-6:
            return f"{round(count)}{unit}"
    return f"{value:g}"


_SNAPSHOTS_HOLD_NO_LOG = (
    "Here no snapshot holds the log: an image carries the old versions that snapshots need. "
    "max_snapshot_age ends those that are too old."
)
IO_CLASSES = ("foreground", "wal", "checkpoint", "backup")


def _io_settings(io_class: str) -> tuple[StorageSetting, ...]:
    floor = "0" if io_class in ("foreground", "wal") else "1MB"
    return (
        StorageSetting(f"io_rate_{io_class}", ValueKind.SIZE, "0", f"bytes a second of {io_class}; 0: no limit of its own"),
        StorageSetting(f"io_burst_{io_class}", ValueKind.SIZE, "8MB", f"bytes that {io_class} may save up", minimum=4096),
        StorageSetting(f"io_floor_{io_class}", ValueKind.SIZE, floor, f"bytes a second that {io_class} gets whatever others do"),
    )  # fmt: skip


STORAGE_SETTINGS: Mapping[str, StorageSetting] = MappingProxyType(
    {
        setting.name: setting
        for setting in (
            StorageSetting("archive_path", ValueKind.TEXT, "", "folder to which segments of the log are copied before they are removed; empty: none"),
            StorageSetting("checkpoint_completion_target", ValueKind.REAL, "0.9", "the part of the time to the next checkpoint that MODE SPREAD takes", maximum=1.0),
            StorageSetting("checkpoint_dirty_pages", ValueKind.INTEGER, "-1", "a checkpoint begins at so many dirty pages; 0: never, -1: at half of what memory holds", minimum=-1),
            StorageSetting("checkpoint_history_rows", ValueKind.INTEGER, "256", "rows of lungfish.checkpoint_history", minimum=1, maximum=65536),
            StorageSetting("checkpoint_interval", ValueKind.SECONDS, "5min", "a checkpoint begins so long after the last one, if anything has changed; 0: never"),
            StorageSetting("checkpoint_wal_bytes", ValueKind.SIZE, "64MB", "a checkpoint begins when so much was logged since the last one; 0: never"),
            StorageSetting("close_checkpoint", ValueKind.SWITCH, "on", "closing takes a last checkpoint and leaves a single file"),
            StorageSetting("fence_timeout_ms", ValueKind.MILLISECONDS, "50ms", "how long a checkpoint may wait for writers that are in the middle of a row", minimum=0.01, maximum=600_000),
            StorageSetting("images_kept", ValueKind.INTEGER, "2", "checkpoints that are kept whole in the file", minimum=2, maximum=1000),
            StorageSetting("io_burst", ValueKind.SIZE, "16MB", "bytes that all classes together may save up", minimum=4096),
            StorageSetting("io_rate", ValueKind.SIZE, "0", "bytes a second of all classes together; 0: no limit"),
            *(setting for io_class in IO_CLASSES for setting in _io_settings(io_class)),
            StorageSetting("max_snapshot_age", ValueKind.SECONDS, "0", "a transaction's snapshot is given up when it is so old; 0: never"),
            StorageSetting("recovery_target_time_ms", ValueKind.MILLISECONDS, "30s", "a checkpoint begins when a restart would take longer; 0: never"),
            StorageSetting("wal_full_policy", ValueKind.WORD, "checkpoint", "what happens when a checkpoint does not bring the log under wal_max_size", words=("checkpoint", "refuse_writes"), refused={"cancel_snapshots": _SNAPSHOTS_HOLD_NO_LOG}),
            StorageSetting("wal_keep_size", ValueKind.SIZE, "0", "bytes of the log that are kept though nobody needs them"),
            StorageSetting("wal_max_size", ValueKind.SIZE, "1GB", "bytes that the log may take on disk; 0: no limit"),
        )
    }
)  # fmt: skip


class StorageSettings:
    """The values in force in one database. May be read by any thread; changed by one at a time."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        """`given` is what the program that opens the database wants in place of the defaults."""
        self._latch = threading.Lock()
        self._given = {
            name: STORAGE_SETTINGS[name].parse(text) for name, text in (given or {}).items()
        }
        self._defaults = {name: each.parse(each.default) for name, each in STORAGE_SETTINGS.items()}
        # By SET.
        self._values: dict[str, float | str] = {}
        # By ALTER SYSTEM SET, those of sessions too.
        self.stored: Mapping[str, str] = {}
        # Called after each change, with no latch held.
        self.on_change: list[Callable[[], None]] = []
        # Raise to refuse a value; by setting.
        self.checks: dict[str, Callable[[float | str], None]] = {}

    def number(self, name: str) -> float:
        """A setting's value as a number."""
        value = self._value(name)
        assert isinstance(value, float), "not a word"
        return value

    def word(self, name: str) -> str:
        """A setting's value as a word."""
        return str(self._value(name))

    def show(self, name: str) -> str:
        """A setting's value as SHOW writes it."""
        return STORAGE_SETTINGS[name].show(self._value(name))

    def set(self, name: str, text: str | None) -> None:
        """Set a value until the database is closed, or (None) go back to what it would be without. Raises as `parse`."""
        with self._latch:
            if text is None:
                self._values.pop(name, None)
            else:
                self._values[name] = self.checked(name, text)
        self._tell()

    def checked(self, name: str, text: str) -> float | str:
        """The value that a text stands for. Raises as `StorageSetting.parse`, and what the setting's own check raises."""
        value = STORAGE_SETTINGS[name].parse(text)
        check = self.checks.get(name)
        if check is not None:
            check(value)
        return value

    def restore(self, stored: Mapping[str, str]) -> None:
        """Take what ALTER SYSTEM SET has kept; a setting that this program does not know stays where it is."""
        with self._latch:
            self.stored = dict(stored)
            for name in stored:
                # What was just kept counts at once, over an earlier SET.
                self._values.pop(name, None)
        self._tell()

    def _value(self, name: str) -> float | str:
        found = self._values.get(name)
        if found is not None:
            return found
        stored = self.stored.get(name)
        if stored is not None:
            return STORAGE_SETTINGS[name].parse(stored)
        return self._given.get(name, self._defaults[name])

    def _tell(self) -> None:
        for callback in self.on_change:
            callback()


def encode_settings(stored: Mapping[str, str]) -> bytes:
    """What ALTER SYSTEM SET has kept, as the payload of a note in the log."""
    return json.dumps(dict(stored), sort_keys=True).encode()


def decode_settings(payload: bytes) -> dict[str, str]:
    """The inverse of `encode_settings`. Raises CorruptDatabase."""
    try:
        found = json.loads(payload)
    except ValueError as error:
        raise errors.CorruptDatabase("a note of the settings cannot be read") from error
    if not isinstance(found, dict):
        raise errors.CorruptDatabase("a note of the settings cannot be read")
    return {str(name): str(value) for name, value in found.items()}
