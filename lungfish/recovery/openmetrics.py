"""The figures of a database as OpenMetrics text, for a scraper to read.

The format: one block for each metric family, of a TYPE line, a UNIT line where there is a unit, a HELP line and its samples, and `# EOF` at
the end (OpenMetrics 1.0, sections "Text format" and "Data model"). A unit must end its family's name, so families are named
`lungfish_<name>_<unit>`, and times are in seconds there, as the specification asks for base units.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from lungfish.recovery.telemetry import Metric

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_PREFIX = "lungfish_"
# Units of ours that are no base units: the base unit, and how many of ours make one.
_BASE_UNITS = {"ms": ("seconds", 1000.0), "s": ("seconds", 1.0), "us": ("seconds", 1e6)}


def openmetrics_text(metrics: Iterable[Metric]) -> str:
    """All figures; samples of one family stand together."""
    lines: list[str] = []
    for _, group in groupby(metrics, key=lambda metric: metric.family):
        lines += _family_lines(list(group))
    lines.append("# EOF\n")
    return "\n".join(lines)


def _family_lines(samples: Sequence[Metric]) -> list[str]:
    first = samples[0]
    unit, divisor = _BASE_UNITS.get(first.unit, (first.unit, 1.0))
    name = _PREFIX + first.family
    if unit and not name.endswith(f"_{unit}"):
        name += f"_{unit}"
    kind = "summary" if first.type == "histogram" else first.type
    lines = [f"# TYPE {name} {kind}"]
    if unit:
        lines.append(f"# UNIT {name} {unit}")
    lines.append(f"# HELP {name} {_escape(first.help)}")
    for sample in samples:
        suffix, labels, is_time = sample.part, dict(sample.labels), sample.part != "count"
        if sample.type == "counter":
            suffix = "total"
        elif suffix in _QUANTILES:
            labels["quantile"], suffix = _QUANTILES[suffix], ""
        if suffix == "max":
            # A summary has no sample for it; `lungfish.metrics` has.
            continue
        value = float(sample.value) / divisor if is_time else sample.value
        full = f"{name}_{suffix}" if suffix else name
        lines.append(f"{full}{_labels(labels)} {_number(value)}")
    return lines


_QUANTILES = {"p50": "0.5", "p99": "0.99"}


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items()) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
