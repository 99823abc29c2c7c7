"""The page store against a model: a dict of pages, a list of published images, and a crash at any operation of the disk."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from lungfish.errors import UndefinedFile, WrongObjectType
from lungfish.storage.check import check_pages
from lungfish.storage.crash_state import Persistence
from lungfish.storage.ids import LSN, PageId, RelationId
from lungfish.storage.image import RelationKind
from lungfish.storage.image_builder import ImageBuilder
from lungfish.storage.page_store import PageStore
from lungfish.storage.simulated_disk import SimulatedDisk

PAGE_SIZE = 4 * 4096
IDENTITY = uuid.UUID(int=7)
Pages = dict[tuple[int, int], bytes]


@dataclass
class Published:
    """An image that was, or was about to be, published."""

    pages: Pages
    # The disk's operations when publishing began and when it had returned.
    began_at: int
    done_at: int | None


def page_of(seed: int) -> bytes:
    """A page whose units are full or empty by chance, so that it is stored in one, two or no parts."""
    chance = random.Random(seed)
    units = [chance.randbytes(4096) if chance.random() < 0.4 else bytes(4096) for _ in range(4)]
    return b"".join(units)


def read_all(store: PageStore) -> Pages:
    """Every page of the current state that was ever written."""
    return {
        (relation_id, page_id): bytes(store.read(relation_id, PageId(page_id)))
        for relation_id in store.relations()
        for page_id in range(store.slots.live[relation_id].table.page_count)
    }


def with_gaps(pages: Pages) -> Pages:
    """The same pages, and zeros for those below the highest one of a relation that were never written."""
    complete: Pages = {}
    for relation_id, highest in pages:
        for page_id in range(highest + 1):
            complete[relation_id, page_id] = pages.get((relation_id, page_id), bytes(PAGE_SIZE))
    return complete


page_numbers = st.sampled_from([0, 1, 70, 256])
seeds = st.integers(0, 1_000_000)


class PageStoreMachine(RuleBasedStateMachine):
    """Early writes, images built with writes in between, drops, reopening and crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = SimulatedDisk()
        self.live: Pages = {}
        self.relations: set[int] = set()
        self.last_number = 0
        self.builder: ImageBuilder | None = None
        self.building_relations: set[int] = set()
        self.building: Pages = {}
        self.written_since: set[tuple[int, int]] = set()
        self.published: dict[int, Published] = {}

    @initialize()
    def create(self) -> None:
        self.store = PageStore.create(self.disk, "a.db", page_size_bytes=PAGE_SIZE, uuid=IDENTITY)
        self.published = {1: Published({}, 0, self.disk.operation_count)}

    @precondition(lambda self: len(self.relations) < 4)
    @rule()
    def create_relation(self) -> None:
        # A number is never used twice.
        self.last_number += 1
        self.store.create_relation(RelationId(self.last_number), RelationKind.HEAP)
        self.relations.add(self.last_number)

    @precondition(lambda self: len(self.relations) > 1)
    @rule(data=st.data())
    def drop_relation(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.relations)))
        self.store.drop_relation(RelationId(number))
        self.relations.discard(number)
        self.live = {key: content for key, content in self.live.items() if key[0] != number}

    @precondition(lambda self: self.relations)
    @rule(data=st.data(), page=page_numbers, seed=seeds)
    def write_early(self, data: st.DataObject, page: int, seed: int) -> None:
        number = data.draw(st.sampled_from(sorted(self.relations)))
        content = page_of(seed)
        self.store.write(RelationId(number), PageId(page), content)
        self.live[number, page] = content
        self.written_since.add((number, page))

    @precondition(lambda self: self.builder is None)
    @rule()
    def freeze(self) -> None:
        self.builder = self.store.freeze()
        self.building = dict(self.live)
        self.building_relations = set(self.relations)
        self.written_since = set()

    @precondition(lambda self: self.builder is not None and self.building_relations)
    @rule(data=st.data(), page=page_numbers, seed=seeds)
    def write_into_image(self, data: st.DataObject, page: int, seed: int) -> None:
        assert self.builder is not None
        number = data.draw(st.sampled_from(sorted(self.building_relations)))
        content = page_of(seed)
        self.builder.write(RelationId(number), PageId(page), content)
        self.building[number, page] = content
        if number in self.relations and (number, page) not in self.written_since:
            self.live[number, page] = content

    @precondition(lambda self: self.builder is not None)
    @rule()
    def publish(self) -> None:
        assert self.builder is not None
        generation = self.builder.generation
        began_at = self.disk.operation_count
        for number in self.building_relations:
            self.builder.set_relation(
                RelationId(number), mark_lsn=LSN(generation), payload=b"of %d" % number
            )
        self.builder.set_payload(b"image %d" % generation)
        self.builder.publish()
        self.builder = None
        self.published[generation] = Published(self.building, began_at, self.disk.operation_count)

    @precondition(lambda self: self.builder is not None)
    @rule()
    def abort(self) -> None:
        assert self.builder is not None
        self.builder.abort()
        self.builder = None

    @precondition(lambda self: self.builder is None)
    @rule()
    def close_and_open(self) -> None:
        self.store.close()
        self.store = PageStore.open(self.disk, "a.db")
        assert not self.store.fallback_used
        self.go_back_to_image()

    @rule(persistence=st.sampled_from(Persistence), seed=seeds)
    def crash_now(self, persistence: Persistence, seed: int) -> None:
        """Go on with what a crash at this moment leaves: the last published image, nothing else."""
        self.store.abandon()
        self.disk = self.disk.crash_state(self.disk.operation_count, persistence, seed)
        self.store = PageStore.open(self.disk, "a.db")
        assert not self.store.fallback_used
        self.builder = None
        last = max(self.published)
        self.go_back_to_image()
        self.published = {last: Published(self.published[last].pages, 0, 0)}

    @rule(share=st.floats(0, 1), persistence=st.sampled_from(Persistence), seed=seeds)
    def crash_then(self, share: float, persistence: Persistence, seed: int) -> None:
        """Look at what a crash at some earlier moment would have left."""
        moment = round(self.disk.operation_count * share)
        state = self.disk.crash_state(moment, persistence, seed)
        done = [
            generation
            for generation, image in self.published.items()
            if image.done_at is not None and image.done_at <= moment
        ]
        try:
            store = PageStore.open(state, "a.db")
        except UndefinedFile:
            assert not done
            return
        except WrongObjectType:
            assert not done
            assert not PageStore.exists(state, "a.db")
            return
        assert store.generation >= max(done, default=0)
        if store.generation:
            image = self.published[store.generation]
            assert image.began_at <= moment
            assert read_all(store) == with_gaps(image.pages)
        assert not store.fallback_used
        assert check_pages(store).findings == ()
        store.abandon()

    @invariant()
    def no_unit_is_lost_or_used_twice(self) -> None:
        if hasattr(self, "store") and self.builder is None:
            assert check_pages(self.store).findings == ()

    @invariant()
    def every_page_reads_as_it_was_written(self) -> None:
        if hasattr(self, "store"):
            assert read_all(self.store) == with_gaps(self.live)

    def go_back_to_image(self) -> None:
        last = max(self.published)
        assert self.store.generation == last
        self.live = dict(self.published[last].pages)
        self.relations = set(self.store.relations())
        for number in self.relations:
            image = self.store.image.relations[RelationId(number)]
            assert image.payload == b"of %d" % number


TestPageStoreMachine = PageStoreMachine.TestCase
TestPageStoreMachine.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
