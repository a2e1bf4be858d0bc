"""Images as a detector's network sees them, and places in them: lesions, and those of crops."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.functional import pad

from skiagram.arrays import Flags, Floats, Texts, Whole
from skiagram.errors import named, refusal
from skiagram.finding.candidates import Body, body_part, grey_values
from skiagram.image_store.store import ImageStore
from skiagram.records.places import coordinates
from skiagram.training.data import HELD_BYTES
from skiagram.training.network_input import resize, resize_volume

_DARKEST, _BRIGHTEST = -3.0, 6.0  # deviations


class SearchedImage(NamedTuple):
    """An image as a network sees it.

    Attributes:
        pixels: (1, [depth,] height, width) float32, deviations from the body part's mean.
        inside: ([depth,] height, width) bool, the body part.
        scale: (axes,) its pixels for one of the stored image, along each axis.
    """

    pixels: Tensor
    inside: Flags
    scale: Floats

    def to_seen(self, places: Floats) -> Floats:
        """Turn (n, axes) places in stored pixels into pixels of this image, by their centres."""
        return (places + 0.5) * self.scale - 0.5

    def to_stored(self, places: Floats) -> Floats:
        """Turn (n, axes) places in pixels of this image into stored pixels."""
        return (places + 0.5) / self.scale - 0.5

    def cut(self, centre: Floats, sides: Sequence[int]) -> Tensor:
        """Cut a part around a place; beyond the image lies its darkest value.

        Args:
            centre: (axes,) in pixels of this image, which need not be whole.
            sides: Of the part, pixels.

        Returns:
            (1, *sides) float32.
        """
        # Along each axis: what of the crop lies in the image, and what is missing at either end.
        pixels, around = self.pixels, []
        for axis, (middle, side) in enumerate(zip(centre.tolist(), sides, strict=True), start=1):
            first, length = round(middle - (side - 1) / 2), pixels.shape[axis]
            start, stop = min(max(first, 0), length), max(min(first + side, length), 0)
            pixels = pixels.narrow(axis, start, max(stop - start, 0))
            before = min(max(-first, 0), side) if stop > start else side
            around.append((before, side - before - max(stop - start, 0)))
        beyond = float(self.pixels.min())
        return pad(pixels, [size for pair in around[::-1] for size in pair], value=beyond)


class SearchedImages:
    """Images of a store as a network sees them; as many as fit are held in memory.

    Attributes:
        all_held: Whether all that were asked for so far are.
    """

    def __init__(self, store: ImageStore, pixel: float, body: Body) -> None:
        """Take the store; images are read when they are first asked for.

        Args:
            store: Restored images.
            pixel: Distance of the pixels that the network sees, mm.
            body: Part of an image whose intensities take mean 0 and deviation 1.
        """
        self.store, self._pixel, self._body = store, pixel, body
        self._held: dict[str, SearchedImage] = {}
        self._bytes = 0
        self.all_held = True

    def __getitem__(self, case: str) -> SearchedImage:
        """Prepare the image of a case, or take it from memory.

        Raises:
            DataError: A pixel is missing, of the case that is named.
        """
        # An image that is at hand is not read again.
        if case in self._held:
            return self._held[case]
        with named(case):
            stored = self.store.image(case)
            values = grey_values(stored)
            if not np.isfinite(values).all():
                raise refusal("models.missing_pixels")
            # Intensities of the body part have mean 0 and deviation 1.
            inside = body_part(values, self._body)
            measured = values[inside] if inside.any() else values
            # A constant image is left at 0.
            units = (values - measured.mean()) / (measured.std() or 1.0)
            planes = np.stack([units.clip(_DARKEST, _BRIGHTEST), inside]).astype(np.float32)
            # Pixels of equal distance in every image.
            sides = np.array(self.store.spacing(case) or (1.0,) * values.ndim)
            before = np.array(values.shape)
            after = np.maximum(np.round(before * sides / self._pixel), 1).astype(int)
            channels, resized_shape = torch.from_numpy(planes), tuple(after.tolist())
            if resized_shape != values.shape:
                if values.ndim > 2:
                    channels = resize_volume(channels, resized_shape)
                else:
                    channels = resize(channels[None], resized_shape)[0]
            pixels, inside = channels[:1].clone(), (channels[1] >= 0.5).numpy()
            image = SearchedImage(pixels, inside, after / before)
        # Images stay at hand while there is room.
        size = 4 * image.pixels.numel() + image.inside.size
        if self._bytes + size <= HELD_BYTES:
            self._held[case], self._bytes = image, self._bytes + size
        else:
            self.all_held = False
        return image


def searched(store: ImageStore, pixel: float, body: Body) -> SearchedImages:
    """Open a store's images as a detector sees them; fits of one process share them.

    Args:
        store: Restored images.
        pixel: Distance of the pixels that the network sees, mm.
        body: Part of an image whose intensities take mean 0 and deviation 1.
    """
    return _searched(store.folder, store.sha256, pixel, body)


@lru_cache(maxsize=1)
def _searched(folder: Path, sha256: str, pixel: float, body: Body) -> SearchedImages:  # noqa: ARG001 - tells rewritten stores apart
    return SearchedImages(ImageStore(folder), pixel, body)


class Lesions(NamedTuple):
    """The (n,) lesions of the training cases, in pixels of the images as the network sees them."""

    case_id: Texts
    centre: Floats  # (n, axes)
    radius: Floats

    @classmethod
    def of(cls, table: pd.DataFrame, images: SearchedImages, pixel: float) -> "Lesions":
        """Place marked lesions in the pixels that the network sees.

        Args:
            table: Marks with a radius in mm.
            images: As the network sees them.
            pixel: Distance of their pixels, mm.
        """
        places = coordinates(table)
        cases = table["case_id"].to_numpy(dtype=str)
        axes = 3 if np.isfinite(places[:, 0]).all() else 2
        centre = [
            images[case].to_seen(place[None, 3 - axes :])[0]
            for case, place in zip(cases.tolist(), places, strict=True)
        ]
        return cls(cases, np.stack(centre), table["radius"].to_numpy(dtype=np.float64) / pixel)

    def rows(self, case: str) -> Whole:
        """Find the lesions of a case."""
        return np.flatnonzero(self.case_id == case)


class Places(NamedTuple):
    """The (n,) places of crops; `lesion` is the number of the one that is shown, -1 for none."""

    case_id: Texts
    centre: Floats  # (n, axes)
    lesion: Whole

    @classmethod
    def stack(cls, parts: Sequence[tuple[str, Floats, Whole]]) -> "Places":
        """Put the places of several cases together.

        Args:
            parts: Case, (n, axes) places and (n,) the number of the lesion shown at each.
        """
        case = np.concatenate([np.full(len(rows), name) for name, _, rows in parts])
        return cls(case, *(np.concatenate([part[k] for part in parts]) for k in (1, 2)))

    def repeated(self, times: int) -> "Places":
        """Repeat places so that every lesion has as many; all others are kept once.

        Args:
            times: Places of each lesion.
        """
        shown = [np.flatnonzero(self.lesion == number) for number in range(self.lesion.max() + 1)]
        rows = [np.resize(case_rows, times) for case_rows in shown if len(case_rows)]
        order = np.concatenate([*rows, np.flatnonzero(self.lesion < 0)])
        return Places(self.case_id[order], self.centre[order], self.lesion[order])
