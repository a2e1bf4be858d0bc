"""Consecutive images of a store as pieces of work; whoever does the work maps the shards itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from skiagram.store import Image, ImageStore, Run


@dataclass(frozen=True)
class Span:
    """Some images of a store, without their pixels.

    Attributes:
        folder: Absolute path of the store.
        sha256: Digest of the store's content.
        start: Place of the first image in the store's order.
        stop: Place after the last one.
    """

    folder: Path
    sha256: str
    start: int
    stop: int

    def __len__(self) -> int:
        """Return the number of images."""
        return self.stop - self.start

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        """Yield (case id, image) in the store's order."""
        return self.store().span(self.start, self.stop)

    def runs(self, values: int) -> Iterator[Run]:
        """Yield images that are alike together; `ImageStore.runs` says how."""
        return self.store().runs(self.start, self.stop, values)

    def store(self) -> ImageStore:
        """Return the store, opened once in each process."""
        return _opened(self.folder, self.sha256)


def spans(store: ImageStore, values: int) -> Iterator[Span]:
    """Cut a store into spans of about equal work, the same wherever they are worked on.

    Args:
        store: Any number of images of any sizes.
        values: Pixels times channels that a span holds at most; one image may exceed it.
    """
    folder, start, held = store.folder.resolve(), 0, 0
    for at, size in enumerate(store.sizes()):
        if held and held + size > values:
            yield Span(folder, store.sha256, start, at)
            start, held = at, 0
        held += size
    if held:
        yield Span(folder, store.sha256, start, len(store))


@lru_cache(maxsize=1)
def _opened(folder: Path, sha256: str) -> ImageStore:  # noqa: ARG001 - tells rewritten stores apart
    return ImageStore(folder)
