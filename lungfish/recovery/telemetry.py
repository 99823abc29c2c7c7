"""Every counter and histogram of storage and recovery: the one source of the system views and of a metrics export.

A part of the engine takes its instruments from the registry when it is built and keeps them, so that counting is one
attribute's addition. Instruments are not exact under races between threads, except where their owner counts under its own latch; they are
figures to look at, and nothing is decided by them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Upper bounds in milliseconds, about three to a decade; what is above the last falls into one more bucket.
LATENCY_BOUNDS_MS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1000,
    2000,
    5000,
    10000,
)


# Pairs of label and value that tell instruments of one name apart.
Labels = tuple[tuple[str, str], ...]
_Key = tuple[str, Labels]


class Counter:
    """A number that only grows."""

    __slots__ = ("help", "labels", "name", "unit", "value")

    def __init__(self, name: str, unit: str, help: str, labels: Labels = ()) -> None:  # noqa: A002 - the metrics' own word.
        self.name = name
        self.unit = unit
        self.help = help
        self.labels = labels
        self.value: float = 0

    def add(self, amount: float = 1) -> None:
        """Count."""
        self.value += amount


class Histogram:
    """How often durations fell between the bounds, with their sum and largest."""

    __slots__ = ("bounds", "count", "counts", "help", "maximum", "name", "total", "unit")

    def __init__(self, name: str, unit: str, help: str) -> None:  # noqa: A002 - the metrics' own word.
        self.name = name
        self.unit = unit
        self.help = help
        self.bounds = LATENCY_BOUNDS_MS
        self.counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        self.count = 0
        self.total = 0.0
        self.maximum = 0.0

    def observe(self, value: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.count += 1
        self.total += value
        if value > self.maximum:
            self.maximum = value

    def quantile(self, share: float) -> float:
        """An upper bound of the duration that `share` of all stay under; 0 if nothing was observed."""
        wanted = share * self.count
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if count and seen >= wanted:
                return self.bounds[index] if index < len(self.bounds) else self.maximum
        return 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that its owner keeps, read when someone looks: a gauge, or a counter if it only grows."""

    name: str
    type: str
    unit: str
    help: str
    labels: Labels
    read: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, as `lungfish.metrics` shows it."""

    # The instrument's name; for a histogram, with the part that the figure is: `wal_sync_p99`.
    name: str
    type: str
    unit: str
    labels: Labels
    value: float
    help: str
    # A histogram's figure: count, sum, max, p50 or p99; else empty.
    part: str = ""

    @property
    def family(self) -> str:
        """The instrument's name."""
        return self.name.removesuffix(f"_{self.part}") if self.part else self.name


class StorageTelemetryRegistry:
    """All instruments of one database, by name and labels."""

    def __init__(self) -> None:
        self._counters: dict[_Key, Counter] = {}
        self._histograms: dict[_Key, Histogram] = {}
        self._readings: dict[_Key, Reading] = {}

    def counter(self, name: str, *, unit: str, help: str, labels: Labels = ()) -> Counter:  # noqa: A002 - the metrics' own word.
        """The counter of that name and those labels, made at first sight."""
        return self._counters.setdefault((name, labels), Counter(name, unit, help, labels))

    def histogram(self, name: str, *, unit: str, help: str) -> Histogram:  # noqa: A002 - the metrics' own word.
        """The histogram of that name, made at first sight."""
        return self._histograms.setdefault((name, ()), Histogram(name, unit, help))

    def register(self, reading: Reading) -> None:
        """Show a figure that its owner keeps."""
        self._readings[reading.name, reading.labels] = reading

    def metrics(self) -> Iterator[Metric]:
        """Every figure as it is now, by name; a histogram gives its count, sum, largest, and two quantiles."""
        return iter(sorted(self._all(), key=lambda metric: (metric.family, metric.labels)))

    def _all(self) -> Iterator[Metric]:
        for counter in list(self._counters.values()):
            yield Metric(
                counter.name, "counter", counter.unit, counter.labels, counter.value, counter.help
            )
        for reading in list(self._readings.values()):
            yield Metric(
                reading.name,
                reading.type,
                reading.unit,
                reading.labels,
                reading.read(),
                reading.help,
            )
        for each in list(self._histograms.values()):
            figures = {
                "count": float(each.count),
                "sum": each.total,
                "max": each.maximum,
                "p50": each.quantile(0.5),
                "p99": each.quantile(0.99),
            }
            for part, value in figures.items():
                name = f"{each.name}_{part}"
                yield Metric(name, "histogram", each.unit, (), value, each.help, part)
