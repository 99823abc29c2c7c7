"""Time zones: offsets of instants and of local times, over PostgreSQL's range of years.

Offsets are seconds east of Greenwich here. `zoneinfo` covers the years 1 to 9999; a later year is looked up as
the year of the same place in the calendar's 400-year cycle (PostgreSQL extends the last rules for ever too), an earlier
one has the zone's first offset.
"""

from __future__ import annotations

import datetime
import functools
import zoneinfo
from dataclasses import dataclass

from lungfish.errors import FeatureNotSupported, InvalidParameterValue
from lungfish.types.calendar import (
    MICROSECONDS_PER_SECOND,
    civil_from_days,
    days_from_civil,
)
from lungfish.types.late_loading import load_apart
from lungfish.types.posix_zones import PosixZone, parse_posix_zone

_FIRST_DAY = days_from_civil(1, 1, 2)
_LAST_DAY = days_from_civil(9999, 12, 30)
_CYCLE_DAYS = 146_097
_EPOCH = datetime.datetime(1970, 1, 1)
_EPOCH_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

# Abbreviations of fixed meaning, in seconds east; those for daylight saving time. (PostgreSQL's default set, without those whose
# meaning depends on the date.)
_STANDARD_ABBREVIATIONS = (
    "EAT 10800 SAST 7200 WAT 3600 ACT -18000 AKST -32400 BOT -14400 BRA -10800 BRT -10800 COT -18000 CST -21600"
    " EGT -3600 EST -18000 FNT -7200 GFT -10800 MST -25200 NFT -12600 NST -12600 PET -18000 PMST -10800 PST -28800"
    " UYT -10800 WGT -10800 DDUT 36000 AFT 16200 ALMT 21600 AMT -14400 BDT 21600 BNT 28800 BORT 28800 BTT 21600"
    " CCT 28800 HKT 28800 ICT 25200 IRKST 28800 IRT 12600 IST 7200 JAYT 32400 JST 32400 KST 32400 MMT 23400"
    " MYT 28800 NPT 20700 PHT 28800 PKT 18000 TJT 18000 UZT 18000 XJT 21600 AST -14400 AZOT -3600 ACST 34200"
    " ACWST 31500 AEST 36000 AWST 28800 CAST 34200 LHST 37800 LIGT 36000 NZT 43200 WAST 25200 GMT 0 UCT 0 UT 0"
    " UTC 0 Z 0 ZULU 0 CET 3600 EET 7200 FET 10800 MET 3600 MEZ 3600 WET 0 CXT 25200 MUT 14400 MVT 18000 RET 14400"
    " SCT 14400 TFT 18000 CHAST 45900 CHUT 36000 FJT 43200 GALT -21600 GAMT -32400 GILT 43200 HST -36000 MART -34200"
    " MHT 43200 MPT 36000 NZST 43200 PGT 36000 PONT 39600 PWT 32400 TAHT -36000 TOT 46800 TRUT 36000 TVT 43200"
    " VUT 39600 WAKT 43200 WFT 43200 YAPT 36000"
)
_DAYLIGHT_ABBREVIATIONS = (
    "AKDT -28800 BRST -7200 CDT -18000 CLST -10800 EDT -14400 EGST 0 FNST -3600 MDT -21600 NDT -9000 PDT -25200"
    " PMDT -7200 PYST -10800 UYST -7200 WGST -7200 ALMST 25200 IDT 10800 KDT 36000 KGST 21600 PKST 21600 ULAST 32400"
    " YEKST 21600 ADT -10800 AZOST 0 ACSST 37800 ACDT 37800 AESST 39600 AEDT 39600 AWSST 32400 CADT 37800 SADT 37800"
    " WADT 28800 WDT 32400 BST 3600 BDST 7200 CEST 7200 CETDST 7200 EEST 10800 EETDST 10800 MEST 7200 MESZ 7200"
    " METDST 7200 MSD 14400 WETDST 3600 MUST 18000 CHADT 49500 EASST -18000 FJST 46800 NZDT 46800 UZST 21600"
)


# Those whose meaning depends on the date, which we do not have.
_DATED_ABBREVIATIONS = (
    "amst anast anat arst art azst azt ckt clt davt east fkst fkt gest get gyt iot irkt kgt kost krast krat lhdt lint"
    " lkt magst magt mawt msk novst novt nut omsst omst petst pett pyt sgt tkt tmt ulat vet vlast vlat volt yakst yakt"
    " yekt"
)
DATED_ABBREVIATIONS = frozenset(_DATED_ABBREVIATIONS.split())


def refuse_dated_abbreviation(name: str) -> None:
    """Raise FeatureNotSupported for an abbreviation whose offset depends on the date."""
    if name.lower() in DATED_ABBREVIATIONS:
        raise FeatureNotSupported(
            f'time zone abbreviation "{name}" is not supported: its offset depends on the date'
        )


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return {name.lower(): int(offset) for name, offset in zip(words[::2], words[1::2], strict=True)}


STANDARD_ABBREVIATIONS = _table(_STANDARD_ABBREVIATIONS)
DAYLIGHT_ABBREVIATIONS = _table(_DAYLIGHT_ABBREVIATIONS)


# What the time zone database has as links since 2024, and older copies of it as zones with less of a past.
_LINKS = {
    "CET": "Europe/Brussels",
    "CST6CDT": "America/Chicago",
    "EET": "Europe/Athens",
    "EST": "America/Panama",
    "EST5EDT": "America/New_York",
    "HST": "Pacific/Honolulu",
    "MET": "Europe/Brussels",
    "MST": "America/Phoenix",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "WET": "Europe/Lisbon",
}


@dataclass(frozen=True, slots=True)
class TimeZone:
    """A zone by its name. `fixed_offset` is set where the offset never changes."""

    name: str
    fixed_offset: int | None = None
    zone: zoneinfo.ZoneInfo | None = None
    abbreviation: str | None = None
    # A POSIX specification with daylight saving time.
    posix: PosixZone | None = None

    def offset_at(self, instant: int) -> int:
        """The offset east in seconds at an instant (microseconds since 1970 in UTC)."""
        if self.fixed_offset is not None:
            return self.fixed_offset
        return self._lookup(instant // MICROSECONDS_PER_SECOND, is_local=False)

    def offset_of_local(self, local: int) -> int:
        """The offset of a local time. In a gap, and where a local time comes twice, standard time holds."""
        if self.fixed_offset is not None:
            return self.fixed_offset
        return self._lookup(local // MICROSECONDS_PER_SECOND, is_local=True)

    def to_local(self, instant: int) -> int:
        """The local time of an instant, both in microseconds."""
        return instant + self.offset_at(instant) * MICROSECONDS_PER_SECOND

    def to_instant(self, local: int) -> int:
        """The instant of a local time, both in microseconds."""
        return local - self.offset_of_local(local) * MICROSECONDS_PER_SECOND

    def abbreviation_at(self, instant: int) -> str:
        """The zone's abbreviation at an instant, as to_char's TZ gives it; empty where it has none."""
        if self.posix is not None and self.posix.is_daylight_at(instant // MICROSECONDS_PER_SECOND):
            return self.posix.daylight_abbreviation
        if self.zone is None:
            return self.abbreviation or ""
        days, seconds = divmod(instant // MICROSECONDS_PER_SECOND, 86_400)
        moment = _EPOCH_UTC + datetime.timedelta(days=_day_in_range(days), seconds=seconds)
        return moment.astimezone(self.zone).tzname() or ""

    def is_daylight_at(self, instant: int) -> bool:
        """Whether the zone has daylight saving time at an instant."""
        if self.posix is not None:
            return self.posix.is_daylight_at(instant // MICROSECONDS_PER_SECOND)
        if self.zone is None:
            return False
        days, seconds = divmod(instant // MICROSECONDS_PER_SECOND, 86_400)
        moment = _EPOCH_UTC + datetime.timedelta(days=_day_in_range(days), seconds=seconds)
        return bool(moment.astimezone(self.zone).dst())

    def _lookup(self, seconds: int, *, is_local: bool) -> int:
        if self.posix is not None:
            posix = self.posix
            return posix.offset_of_local(seconds) if is_local else posix.offset_at(seconds)
        days, rest = divmod(seconds, 86_400)
        delta = datetime.timedelta(days=_day_in_range(days), seconds=rest)
        if not is_local:
            return _seconds((_EPOCH_UTC + delta).astimezone(self.zone))
        local = (_EPOCH + delta).replace(tzinfo=self.zone)
        return min(_seconds(local), _seconds(local.replace(fold=1)))


def _seconds(moment: datetime.datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else offset.days * 86_400 + offset.seconds


def _day_in_range(days: int) -> int:
    """A day that `datetime` knows, at which the zone's rules say the same."""
    if days < _FIRST_DAY:
        return _FIRST_DAY
    if days <= _LAST_DAY:
        return days
    year, _, _ = civil_from_days(days)
    return days - ((year - 2000) // 400) * _CYCLE_DAYS


UTC = TimeZone("UTC", 0, None, "UTC")


@functools.cache
def _names_by_lower_case() -> dict[str, str]:
    # The machine's own zone is none that has a name.
    names = load_apart(zoneinfo.available_timezones) - {"localtime"}
    return {name.lower(): name for name in names}


def zone_names() -> list[str]:
    """The full names of all zones, in order."""
    return sorted(_names_by_lower_case().values())


def offset_text(offset: int) -> str:
    """An offset east as text: +05:30, -03, +00."""
    sign = "-" if offset < 0 else "+"
    minutes, seconds = divmod(abs(offset), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{sign}{hours:02d}"
    if minutes or seconds:
        text += f":{minutes:02d}"
    return f"{text}:{seconds:02d}" if seconds else text


def fixed_zone_name(offset: int) -> str:
    """The POSIX specification, whose own sign is west, of a zone so many seconds east: <+05:30>-05:30."""
    east, west = offset_text(offset), offset_text(-offset)
    return f"<{east}>{west}"


@functools.lru_cache(maxsize=512)
def find_zone(name: str) -> TimeZone | None:
    """The zone of a full name (case does not matter) or of a POSIX specification; None if there is none."""
    lower = name.lower()
    if lower in ("utc", "gmt", "etc/utc", "etc/gmt", "zulu", "uct"):
        shown = _names_by_lower_case().get(lower, name.upper())
        return TimeZone(shown, 0, None, "GMT" if lower.endswith("gmt") else "UTC")
    full = _names_by_lower_case().get(lower)
    if full is not None:
        linked = _LINKS.get(full, full)
        zone = load_apart(lambda: zoneinfo.ZoneInfo(linked))
        # Of no moment in particular only a zone that never changes knows its offset.
        always = zone.utcoffset(None)
        return TimeZone(full, None if always is None else round(always.total_seconds()), zone)
    posix = parse_posix_zone(name)
    if posix is None:
        return None
    shown = name.upper()
    if posix.daylight is None:
        return TimeZone(shown, posix.standard, None, posix.abbreviation)
    is_constant = posix.standard == posix.daylight
    fixed = posix.standard if is_constant else None
    return TimeZone(shown, fixed, None, posix.abbreviation, posix)


def abbreviation_offset(name: str) -> int | None:
    """The offset east of an abbreviation such as EST or CEST, or None."""
    lower = name.lower()
    found = STANDARD_ABBREVIATIONS.get(lower)
    return DAYLIGHT_ABBREVIATIONS.get(lower) if found is None else found


def zone_by_name(name: str) -> TimeZone:
    """The zone that AT TIME ZONE's text names: an abbreviation or a zone. Raises 22023."""
    offset = abbreviation_offset(name)
    if offset is not None:
        return TimeZone(name.upper(), offset, None, name.upper())
    refuse_dated_abbreviation(name)
    zone = find_zone(name)
    if zone is None:
        raise InvalidParameterValue(f'time zone "{name}" not recognized')
    return zone
