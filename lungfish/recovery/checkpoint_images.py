"""The images that are kept: the current one, the one before, those with a name; and what of the log each of them needs.

    time ──>    "june"              N-1         N
                  │                  │          │
    pages       [ x  shared between images where nothing changed ]     each image is whole by itself
    log                              ├──────────┴────────────────>     a restart from N, or from N-1 if N cannot be read
                  ├──────────────────────────────────────────────>     only with RETAIN_WAL

Invariants:
1. What an image refers to is not overwritten while it is kept or pinned (`storage/page_slots.py`, invariant 3).
2. The log is held from the lowest mark of the current image and of the one before, so that either can be recovered from. A named
   image is complete by itself and holds no log, unless that was asked for.
3. A name is taken or dropped durably by the next image's manifest; both happen inside a checkpoint.
4. `hold_log` pins what the images of now need before it lets go of what those of before did.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lungfish import errors
from lungfish.recovery.checkpoint_facts import CheckpointFacts, decode_facts
from lungfish.recovery.index_marks import lagging_indexes
from lungfish.recovery.retention import HolderKind, WalRetentionManager
from lungfish.storage.clock import Clock
from lungfish.storage.ids import LSN
from lungfish.storage.image import Image, QuarantinedImage, RelationKind
from lungfish.storage.page_store import PageStore

# The pins that stand for "a restart reads from here", and "one from the image before would".
REDO_PIN = "checkpoint"
PREVIOUS_PIN = "previous checkpoint"

_Pin = tuple[HolderKind, str]


@dataclass(frozen=True, slots=True)
class ImageVerdict:
    """What the last scrub of an image found."""

    # Microseconds since 1970, UTC.
    verified_at: int
    bad_pages: int


@dataclass(slots=True)
class _Readers:
    """Who reads an image just now, in words."""

    names: list[str] = field(default_factory=list)


class CheckpointImageStore:
    """The retained images of one open database, by name."""

    def __init__(
        self,
        store: PageStore,
        retention: WalRetentionManager,
        clock: Clock,
        *,
        log_reaches: Callable[[LSN], bool],
    ) -> None:
        self.store = store
        self._retention = retention
        self._clock = clock
        # Whether the log is still there from a position on: asked at open only.
        self._log_reaches = log_reaches
        # Guards what follows.
        self._latch = threading.Lock()
        self._facts: dict[tuple[int, int], CheckpointFacts] = {}
        self._readers: dict[int, _Readers] = {}
        self._verdicts: dict[int, ImageVerdict] = {}
        self._pins: set[_Pin] = set()
        for generation, verified_at, bad_pages in self.facts_of(store.image).verdicts:
            self._verdicts[generation] = ImageVerdict(verified_at, bad_pages)

    # Looking up

    def images(self) -> tuple[Image, ...]:
        """All retained images, oldest first; the last is the current one."""
        return self.store.images

    def quarantined(self) -> tuple[QuarantinedImage, ...]:
        """The images that were found damaged at open."""
        return self.store.quarantined

    def facts_of(self, image: Image) -> CheckpointFacts:
        """What the checkpoint that took an image left with it. Raises CorruptDatabase."""
        key = _identity(image)
        with self._latch:
            found = self._facts.get(key)
        if found is None:
            found = decode_facts(image.payload)
            self._keep_facts(image, found)
        return found

    def _keep_facts(self, image: Image, facts: CheckpointFacts) -> None:
        kept = {_identity(each) for each in self.images()}
        with self._latch:
            # Those of images that are gone go too: each has whole histories in it.
            self._facts = {other: each for other, each in self._facts.items() if other in kept}
            self._facts[_identity(image)] = facts

    def remember(self, facts: CheckpointFacts) -> None:
        """The current image's facts, from whoever wrote them: they need not be decoded."""
        self._keep_facts(self.store.image, facts)

    def named(self, name: str) -> Image:
        """The image of that name. Raises UndefinedObject, DataCorrupted for one that is damaged."""
        for image in self.images():
            if image.name == name:
                return image
        for damaged in self.quarantined():
            if damaged.name == name:
                raise errors.CorruptDatabase(
                    f'checkpoint "{name}" is damaged', detail=damaged.reason
                )
        known = ", ".join(f'"{image.name}"' for image in self.images() if image.name)
        raise errors.UndefinedObject(
            f'checkpoint "{name}" does not exist',
            hint=f"There are {known}." if known else "No checkpoint has a name.",
        )

    @contextlib.contextmanager
    def reading(self, image: Image, reader: str) -> Iterator[Image]:
        """Hold an image while somebody reads it, whatever is dropped meanwhile; `reader` says who."""
        with self.store.pin_image(image.generation) as pinned:
            with self._latch:
                readers = self._readers.setdefault(image.generation, _Readers())
                readers.names.append(reader)
            try:
                yield pinned
            finally:
                with self._latch:
                    readers.names.remove(reader)
                    if not readers.names:
                        self._readers.pop(image.generation, None)

    def readers_of(self, image: Image) -> tuple[str, ...]:
        """Who reads an image just now."""
        pins = self.store.reader_pins
        outside = [
            f"process {pin.process_id}"
            for pin in (pins.living() if pins is not None else ())
            if pin.generation == image.generation
        ]
        with self._latch:
            readers = self._readers.get(image.generation)
            return (*outside, *(() if readers is None else readers.names))

    # Names

    def admit(self, name: str) -> None:
        """Raise DuplicateObject if a kept image has the name already."""
        if any(image.name == name for image in self.images()):
            raise errors.DuplicateObject(
                f'checkpoint "{name}" already exists',
                hint="Give another name, or drop that one with DROP CHECKPOINT.",
            )

    def expire(self, now: int) -> list[str]:
        """Take the names off images that were to be kept until now only; answers the names."""
        expired = []
        for image in self.images():
            if image.name and 0 < self.facts_of(image).keep_until <= now:
                self.store.name_image(image.generation, "")
                expired.append(image.name)
        return expired

    def names_before(self, moment: int) -> list[str]:
        """The names of images taken before a moment (microseconds since 1970, UTC)."""
        return [
            image.name
            for image in self.images()
            if image.name and self.facts_of(image).taken_at < moment
        ]

    @contextlib.contextmanager
    def dropping(self, names: list[str]) -> Iterator[None]:
        """Take names away; they come back if what is done meanwhile, the checkpoint that makes it durable, fails."""
        dropped = []
        for name in names:
            if self.store.forget_quarantined(name):
                continue
            image = self.named(name)
            dropped.append(image)
        for image in dropped:
            self.store.name_image(image.generation, "")
        try:
            yield
        except BaseException:
            for image in dropped:
                with contextlib.suppress(errors.InternalError):
                    # Not there any more: then it was durable after all.
                    self.store.name_image(image.generation, image.name)
            raise

    # Scrubs

    def judge(self, image: Image, bad_pages: int) -> None:
        """Note what a scrub found; the next checkpoint makes it durable."""
        with self._latch:
            self._verdicts[image.generation] = ImageVerdict(self._clock.utc_us(), bad_pages)

    def verdict_of(self, generation: int) -> ImageVerdict | None:
        """What the last scrub of an image found; None if there was none."""
        with self._latch:
            return self._verdicts.get(generation)

    def verdicts(self) -> tuple[tuple[int, int, int], ...]:
        """The verdicts on images that are kept: generation, when, bad pages."""
        kept = {image.generation for image in self.images()}
        with self._latch:
            return tuple(
                (generation, each.verified_at, each.bad_pages)
                for generation, each in sorted(self._verdicts.items())
                if generation in kept
            )

    # The log

    def hold_log(self, *, is_opening: bool = False) -> None:
        """Pin the log from where the images of now need it, and nothing else for their sake."""
        wanted = dict(self._wanted_pins())
        if is_opening:
            current = wanted[HolderKind.REDO_LSN, REDO_PIN]
            wanted = {
                pin: (owner, lsn)
                for pin, (owner, lsn) in wanted.items()
                if lsn >= current[1] or self._log_reaches(lsn)
            }
        for (kind, holder_id), (owner, lsn) in sorted(
            wanted.items(), key=lambda each: (each[1][1], each[0][1])
        ):
            self._retention.pin(kind, holder_id, owner=owner, lsn=lsn)
        for kind, holder_id in self._pins - set(wanted):
            self._retention.release(kind, holder_id)
        self._pins = set(wanted)

    def _wanted_pins(self) -> Iterator[tuple[_Pin, tuple[str, LSN]]]:
        *older, current = self.images()
        facts = self.facts_of(current)
        owner = f"checkpoint {facts.checkpoint_id}"
        yield (HolderKind.REDO_LSN, REDO_PIN), (owner, heaps_mark(current, facts))
        for relation_id, mark in lagging_indexes(current, facts.redo_lsn):
            yield (HolderKind.INDEX_MARK, str(relation_id)), (owner, mark)
        if older:
            facts = self.facts_of(older[-1])
            owner = f"checkpoint {facts.checkpoint_id}"
            yield (HolderKind.REDO_LSN, PREVIOUS_PIN), (owner, lowest_mark(older[-1], facts))
        for image in self.images():
            facts = self.facts_of(image)
            if image.name and facts.retains_log:
                owner = f"checkpoint {facts.checkpoint_id}"
                yield (
                    (HolderKind.NAMED_CHECKPOINT, image.name),
                    (owner, lowest_mark(image, facts)),
                )


def _identity(image: Image) -> tuple[int, int]:
    """What tells an image from all others: a generation may be taken again after a damaged image."""
    return image.generation, image.manifest.checksum


def lowest_mark(image: Image, facts: CheckpointFacts) -> LSN:
    """From where a restart that begins with the image needs the log."""
    return min((each.mark_lsn for each in image.relations.values()), default=facts.redo_lsn)


def heaps_mark(image: Image, facts: CheckpointFacts) -> LSN:
    """From where it needs the log for tables, those of the catalog among them."""
    marks = [
        each.mark_lsn for each in image.relations.values() if each.kind is not RelationKind.INDEX
    ]
    return min(marks, default=facts.redo_lsn)
