"""Filtering in the frequency domain, and Riesz transforms: derivatives of all octaves (IBSI AYRS).

A Riesz transform goes with a band-pass (`simoncelli`, `laplacian_of_gaussian`).
"""

from collections.abc import Callable, Sequence
from math import factorial, prod
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.filters.filter import PAD, Boundary, Filter
from skiagram.strict import STRICT

Order = Annotated[int, Field(ge=0, le=8)]
Gain = Callable[[Sequence[Floats]], NDArray[np.complex128]]


@dataclass(**STRICT)
class RieszFilter(Filter):
    """Base of a band-pass that a Riesz transform may follow.

    Attributes:
        riesz: Orders of the Riesz transform along x, y and, in 3D, z (IBSI AYRS); null for none.
    """

    riesz: tuple[Order, ...] | None

    @model_validator(mode="after")
    def _an_order_an_axis(self) -> Self:
        axes = len(self.axes)
        if self.riesz is not None and (len(self.riesz) != axes or not any(self.riesz)):
            raise ValueError(f"`riesz`: null, or {axes} orders, one an axis, not all 0")
        return self


def riesz(orders: Sequence[int], frequencies: Sequence[Floats]) -> NDArray[np.complex128]:
    """Compute the gain of a Riesz transform of some orders.

    G(f) = (−i)^L √(L! / Π l!) Π f^l / |f|^L with L = Σ l (IBSI AYRS); 0 at frequency 0.

    Args:
        orders: l along each axis, x first.
        frequencies: Of each axis, which broadcast to the spectrum.
    """
    total = sum(orders)
    length = np.sqrt(sum(frequency**2 for frequency in frequencies))
    scale = np.sqrt(factorial(total) / prod(map(factorial, orders)))
    powers = prod(f**order for f, order in zip(frequencies, orders, strict=True))
    gain = np.divide(powers, length**total, out=np.zeros(length.shape), where=length > 0)
    return (-1j) ** total * scale * gain


def in_frequencies(
    image: Floats, axes: Sequence[int], gain: Gain, boundary: Boundary, margin: int
) -> Floats:
    """Multiply the spectrum of an image.

    Args:
        image: (depth, height, width).
        axes: Along which it is filtered, x first.
        gain: Given the frequencies along each of the axes, in shares of the highest, the factor of
            each.
        boundary: How the image goes on beyond its edge.
        margin: Voxels that the image is continued by, since a spectrum is that of a periodic image;
            plays no part where the boundary is.
    """
    from scipy.fft import irfftn, next_fast_len, rfftn

    # Padded, unless the image is taken as periodic.
    first = 0 if boundary == "periodic" else margin
    width = [(0, 0)] * 3
    for axis in axes:
        if boundary == "periodic":
            continue
        size = image.shape[axis]
        length = next_fast_len(size + 2 * first)  # odd, and quick to transform
        while length % 2 == 0:
            length = next_fast_len(length + 1)
        width[axis] = (first, length - size - first)
    wide = np.pad(image, width, mode=PAD[boundary])  # type: ignore[call-overload]
    order = tuple(reversed(axes))  # the last is the one halved
    sides = [wide.shape[axis] for axis in order]
    # The frequency of each place of the spectrum, and that of its mirror. They run from −1 to 1 in
    # equal steps, as in the IBSI's response maps: of an even number of places none is 0, so that a
    # mirrored image has slightly another response. The difference from a spectrum's own places is
    # lost as images grow.
    place_frequencies: list[Floats] = []
    mirror_frequencies: list[Floats] = []
    for axis in axes:
        size = wide.shape[axis]
        place = np.fft.ifftshift(np.arange(size) - size // 2)
        if axis == order[-1]:
            place = np.arange(size // 2 + 1)
        shape = [1, 1, 1]
        shape[axis] = -1
        for sign, frequencies in ((1, place_frequencies), (-1, mirror_frequencies)):
            frequency = (2 * sign * place + 1 - size % 2) / max(size - 1, 1)
            frequencies.append(np.clip(frequency, -1, 1).reshape(shape))
    # The real part of the response to a gain is the response to the mean of it and its mirror.
    gains = (gain(place_frequencies) + np.conj(gain(mirror_frequencies))) / 2
    response: Floats = irfftn(rfftn(wide, axes=order) * gains, sides, axes=order)
    # The padding is taken off again.
    inner = tuple(
        slice(before, before + size) for (before, _), size in zip(width, image.shape, strict=True)
    )
    return response[inner]
