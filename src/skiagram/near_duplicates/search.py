"""The search for transformed copies in a set: nominated by descriptors, confirmed by registration.

Every pair of images is compared, or of more than 20,000 those that trees nominate, in every pass:
eight orientations of the layouts; spectra as they are and turned to either side; those of windows
inside one image with the whole of the other; those of windows on opposite sides, near and far from
the centre. A pair is nominated where a product stands far above those of other pairs, then laid
over each other. It is confirmed where the local detail correlates at two sizes, more than pairs
drawn from the set ever do and than so few independent places could by chance. So images that share
an organ's outline need more.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from skiagram.arrays import Floats, Singles, Whole
from skiagram.images import Image
from skiagram.near_duplicates.descriptors import (
    SIDE,
    Small,
    SpectrumBasis,
    SpectrumWindow,
    Vectors,
    layouts,
    orient_layouts,
    small_picture,
)
from skiagram.near_duplicates.nearest import MOST_COMPARED, Tree
from skiagram.near_duplicates.pairs import (
    ImageSequence,
    Pairs,
    ParallelMap,
    duplicate_pairs,
    projection,
    reduced,
    stack_blocks,
    unite_pairs,
)
from skiagram.near_duplicates.registration import (
    Details,
    Guess,
    Registration,
    alike_everywhere,
    details_of,
    fine_details_inside,
    refine,
    register,
    z_score,
)
from skiagram.seeding import stream

# What is asked of a copy, and how many pairs are looked at.
_ALIKE_SMALL = 0.75  # other images of generated sets reach .55; true copies at least .93
_HOPELESS = 0.4  # small, after three steps; pairs that reach .75 in the end have .53
_ALIKE = 0.6  # others .42; true copies .73, where JPEG at quality 10 has taken the detail
_ALIKE_WARPED = 0.8  # turned or cropped; LIDC nodules reach .68, copies at least .9
_ALIKE_REORIENTED_AND_WARPED = 0.88
_ALIKE_IN_PARTS = 0.55  # the median of 16 parts
_MIN_Z_SCORE = 5.0  # by independent places; copies reach 7, very smooth ones 4
_BEYOND_OTHERS = 6.0  # standard deviations of other pairs' correlations, after Fisher
_MAX_ASKED = 0.95
_OTHER_PAIRS = 128
_FULL_SIDE = 128
_MIN_FINE_SIDE = 24  # pixels a side; smaller images have no fine detail
_TURN = 7.5  # degrees; spectra bear 4 degrees more or less
_NOMINATED = 1 / 40  # pairs an image that chance may nominate in a pass
_MAX_NOMINATED = 1 / 8
_MIN_NOMINATED = 5
_FEW = 200
_LIKELY = 1e-3
_SURE = 0.8
_SAMPLE = (128, 2048)  # queries and others, to see how products vary
_FITTED = 2048
_BLOCK = 1024
_MAX_HELD = 2**21  # nominees, before the best are chosen
_SHARES = 32  # of the queries of a pass; the next pass is prepared while they are compared
_TREES = 32  # of each pass, where not every pair is compared
_TREES_TOGETHER = 4
_BATCH = 256
_DETAILS_KEPT = 2048
_STRAIGHT = 1.5  # degrees
_WHOLE = 0.03
_STILL = 0.02  # of a side
_STILL_PIXELS = 0.7
_SKEW = 0.1  # cosine between what were right angles
_PLAUSIBLE = (0.6, 1.6)
_EVEN = 1.3
_SEED = 19_810_529
_CENTRED = (SpectrumWindow(0.9), SpectrumWindow(0.8))
_HALF_AROUND = ((0, 1), (1, 0), (1, 1), (1, -1))
_OFF_CENTRE = tuple(  # opposite ones follow each other
    SpectrumWindow(0.84, sign * y * 0.08, sign * x * 0.08)
    for y, x in _HALF_AROUND
    for sign in (1, -1)
)
_FAR = tuple(  # what is left of a side that was moved by a third
    SpectrumWindow(0.64, sign * y * 0.18, sign * x * 0.18)
    for y, x in _HALF_AROUND
    for sign in (1, -1)
)

KINDS = (
    "mirrored",
    "turned by 90°",
    "turned by 180°",
    "turned by 270°",
    "turned by a few degrees",
    "cropped",
    "shifted",
    "inverted",
    "resized",
    "recompressed",
)


class _Pass(NamedTuple):
    """One comparison of all images with all: oriented vectors of queries with (n, d) others."""

    guesses: tuple[Guess, ...]
    queries: Callable[[slice], Vectors]
    base: Vectors
    either_way: bool = False
    signed: bool = True


class _Piece(NamedTuple):
    """A part of a pass: some queries, by the starts of their blocks; or some trees.

    Attributes:
        already: Sorted numbers of pairs that need not be found.
        last: Whether the pass ends with it.
    """

    pass_: _Pass
    part: NDArray[np.intp]
    images: int
    threshold: float
    already: Whole
    last: bool


# Pairs with their products.
_NOMINEES = np.dtype([("row", np.int64), ("column", np.int64), ("score", np.float32)])
_Nominees = NDArray[np.void]


def find_copies(store: ImageSequence, parallel_map: ParallelMap = map) -> Pairs:
    """Find all near duplicates and transformed copies among some images.

    Args:
        store: Images; each is read twice, and again where a pair of it is looked at closely.
        parallel_map: Where pieces of the work are done; the pairs do not depend on it.
    """
    near = duplicate_pairs(store, parallel_map)
    shapes: list[tuple[int, ...]] = []
    kinds: dict[tuple[int, ...], tuple[int, ...]] = {}  # one tuple for all images of a shape

    def read() -> Iterator[Small]:
        for _, image in store:
            shapes.append(kinds.setdefault(image.shape, image.shape))
            yield small_picture(image)[None]

    small = stack_blocks(read(), (len(store), SIDE, SIDE), np.float16)
    # Their local detail, by which pairs are confirmed, without those found before.
    starts = range(0, len(small), _BLOCK)
    blocks = (details_of(small[at : at + _BLOCK].astype(np.float64)) for at in starts)
    details = stack_blocks(blocks, (len(small), SIDE, SIDE), np.float32)
    confirm = _Confirmation(details, shapes, store.image_at)
    already = np.sort(near.first * len(small) + near.second)
    # Where all images are alike, an eighth as many pairs as images are looked at, the most alike.
    most = max(int(_MAX_NOMINATED * len(small)), _FEW)
    best: list[_Nominees] = []
    held = 0
    for piece, nominees in parallel_map(_nominate, _pieces(small, details, already)):
        best.append(nominees)
        held += len(nominees)
        if piece.last or held > _MAX_HELD:
            # Those with the highest products, best first; equal ones in the images' order. Sorting
            # all takes long where many are nominated: first twice as many as are wanted are looked
            # at, with all that are as good as the last of them.
            nominated = np.concatenate(best)
            scores, choices = nominated["score"], [nominated]
            if len(scores) > 4 * most:
                least = np.partition(scores, len(scores) - 2 * most)[len(scores) - 2 * most]
                choices = [nominated[scores >= least], nominated]
            for choice in choices:
                order = np.lexsort((choice["column"], choice["row"], -choice["score"]))
                pair = (choice["row"].astype(np.int64) << 32) + choice["column"]
                _, first = np.unique(pair[order], return_index=True)  # several trees nominate one
                best = [choice[order[np.sort(first)]][:most]]
                if len(best[0]) == most:
                    break
            held = len(best[0])
        if piece.last:
            confirm.look_at(best[0]["row"], best[0]["column"], piece.pass_.guesses)
            best, held = [], 0
    return unite_pairs([near, Pairs.of(confirm.found)])


def _pieces(small: Small, details: Details, already: Whole) -> Iterator[_Piece]:
    """Yield the work of all passes, some queries or trees at a time."""
    n = len(small)
    if n > MOST_COMPARED:
        whole, share = np.arange(_TREES), _TREES_TOGETHER
    else:
        whole = np.arange(0, n, _BLOCK)
        share = -(-len(whole) // _SHARES)
    for pass_ in _passes(small, details):
        # the threshold: what few products of other images exceed by chance, or .8
        pairs = n * (n - 1) / (1 if pass_.either_way else 2)
        chance = min(_LIKELY, max(_NOMINATED * n, _MIN_NOMINATED) / pairs)
        steps = [-(-n // most) for most in _SAMPLE]
        rows, columns = (np.arange(0, n, step) for step in steps)
        products = pass_.queries(slice(0, n, steps[0])) @ pass_.base[columns].T
        others = products[rows[:, None] != columns].astype(np.float64)
        deviation = float(np.sqrt(np.mean((others - others.mean()) ** 2)))
        mean, tail = others.mean(), chance
        if not pass_.signed:
            mean, tail = abs(mean), chance / 2
        threshold = float(min(mean - scipy.special.ndtri(tail) * deviation, _SURE))
        if n > MOST_COMPARED:  # each tree asks for all of them
            pass_ = pass_._replace(queries=_stack_vectors(pass_.queries, n).__getitem__)
        for start in range(0, len(whole), share):
            part, last = whole[start : start + share], start + share >= len(whole)
            yield _Piece(pass_, part, n, threshold, already, last)


def _passes(small: Small, details: Details) -> Iterator[_Pass]:
    """Yield the comparisons: layouts in eight orientations, then spectra of windows."""
    if len(small) < 2:
        return
    # Layouts of all images as they are, against those turned and mirrored; the sign of a product
    # plays no part, as a copy may be inverted.
    terms = layouts(details)
    as_is = partial(_orient_rows, terms, partial(orient_layouts, guess=Guess()))
    flat = _stack_vectors(as_is, len(terms))
    for mirrored, quarters in product((False, True), range(4)):
        guess = Guess(mirrored, quarters)
        oriented = partial(_orient_rows, terms, partial(orient_layouts, guess=guess))
        yield _Pass((guess,), oriented, flat, signed=False)
    # Spectra, of a basis that is fitted to some of the images; flat images have none.
    basis = SpectrumBasis.fit(small[:: -(-len(small) // _FITTED)])
    if len(basis.orders):
        yield from _SpectrumPasses(small, basis)


def _stack_vectors(vectors: Callable[[slice], Vectors], images: int) -> Vectors:
    """Stack the vectors of all images as one array.

    Args:
        vectors: Gives those of some images.
        images: How many there are.
    """
    block = _BLOCK
    blocks = (vectors(slice(start, start + block)) for start in range(0, images, block))
    return stack_blocks(blocks, (images, vectors(slice(0, 1)).shape[1]), np.float32)


def _orient_rows(
    vectors: NDArray[Any], orient: Callable[[NDArray[Any]], Vectors], rows: slice
) -> Vectors:
    """Orient the descriptors of some images; as a plain function it can be pickled."""
    return orient(vectors[rows])


class _SpectrumPasses:
    """Whole with whole, windows with whole, windows with windows on the opposite side.

    A spectrum cannot tell an image from the same one upside down, so a pass stands for both.
    """

    def __init__(self, small: Small, basis: SpectrumBasis) -> None:
        """Prepare the spectra of whole images, which all passes of crops compare with.

        Args:
            small: (n, side, side) reduced images.
            basis: Of the spectra.
        """
        self._basis = basis
        self._combined = len(small) <= MOST_COMPARED
        self._orientations = tuple(product((False, True), (0, 1)))[: None if self._combined else 1]
        cache_size = None if self._combined else 2  # of many images, what opposite windows need
        self._spectra = lru_cache(maxsize=cache_size)(partial(basis.spectra, small))
        self._whole = self._as_they_are(SpectrumWindow())

    def __iter__(self) -> Iterator[_Pass]:
        """Yield whole images turned, crops around the centre and off it, and shifts by a third."""
        # Whole images, turned and mirrored.
        either = (-_TURN, _TURN)
        turned = [*product(self._orientations, (0, *either))]
        if not self._combined:
            turned += product([(False, 1)], either)
        for (mirrored, quarters), degrees in turned:
            yield self._pass(SpectrumWindow(), self._whole, Guess(mirrored, quarters, degrees))
        # Crops around the centre, and off it.
        for window in _CENTRED:
            yield from self._cropped(window)
        for window in _OFF_CENTRE:
            if window.down and window.across:
                yield from self._cropped(window)
            for mirrored, quarters in self._orientations:
                guess = Guess(mirrored, quarters)
                yield self._pass(window, self._opposite(window, guess), guess)
        # Shifts by a third of a side, where opposite windows show the same.
        for window in _FAR if self._combined else ():
            moved = Guess(down=-2 * window.down, across=-2 * window.across)
            opposite = self._opposite(window, Guess())
            yield self._pass(window, opposite, moved)._replace(guesses=(moved,))

    def _cropped(self, window: SpectrumWindow) -> Iterator[_Pass]:
        """Compare a window of each image with all others as wholes, in either direction."""
        mirrored_too = product((False, True), (0,))
        for mirrored, quarters in self._orientations if self._combined else mirrored_too:
            guess = Guess(mirrored, quarters, scale=window.share)
            yield self._pass(window, self._whole, guess)._replace(either_way=True)

    def _opposite(self, window: SpectrumWindow, guess: Guess) -> Vectors:
        """Take the window on the other side, where what was moved out of the one comes to lie."""
        # where the place of the window comes to lie
        y, x = window.down, window.across
        if guess.mirrored:
            x = -x
        for _ in range(guess.quarters):
            y, x = -x, y
        return self._as_they_are(SpectrumWindow(window.share, -y, -x))

    def _as_they_are(self, window: SpectrumWindow) -> Vectors:
        """Stack the spectra of a window of all images, not turned."""
        spectra = self._spectra(window)
        as_is = partial(self._basis.orient, guess=Guess())
        return _stack_vectors(partial(_orient_rows, spectra, as_is), len(spectra))

    def _pass(self, window: SpectrumWindow, base: Vectors, guess: Guess) -> _Pass:
        """Compare images oriented by a guess with others as they are, upside down as well."""
        upside_down = replace(guess, quarters=guess.quarters + 2)
        oriented = guess.mirrored or guess.quarters > 0
        guesses = (guess, upside_down) if self._combined or oriented else (guess,)
        orient = partial(self._basis.orient, guess=guess)
        return _Pass(guesses, partial(_orient_rows, self._spectra(window), orient), base)


def _nominate(piece: _Piece) -> tuple[_Piece, _Nominees]:
    """Find the pairs of a piece whose product stands far above others', (query, base)."""
    pass_ = piece.pass_
    nominees = [np.zeros(0, _NOMINEES)]
    if piece.images > MOST_COMPARED:
        # the pairs of one leaf of each tree
        queries = pass_.queries(slice(None))
        for number in piece.part.tolist():
            tree = Tree.grow(pass_.base, number)
            for sign in (1, -1)[: 1 if pass_.signed else 2]:
                like = tree.like(queries, pass_.base, piece.threshold, sign)
                nominees.append(_usable(piece, *like))
        return piece, np.concatenate(nominees)
    # all pairs, block by block of queries and of what they are compared with
    for start in piece.part:
        queries = pass_.queries(slice(start, start + _BLOCK))
        memory = np.empty(len(queries) * _BLOCK, dtype=np.float32)
        for base_start in range(0 if pass_.either_way else start, piece.images, _BLOCK):
            against = pass_.base[base_start : base_start + _BLOCK]
            block = memory[: len(queries) * len(against)].reshape(len(queries), len(against))
            np.matmul(queries, against.T, out=block)
            if not pass_.signed:
                np.abs(block, out=block)
            if block.max() > piece.threshold:
                place = np.flatnonzero(block > piece.threshold)
                i, j = np.divmod(place, block.shape[1])
                nominees.append(_usable(piece, i + start, j + base_start, block.ravel()[place]))
    return piece, np.concatenate(nominees)


def _usable(
    piece: _Piece,
    rows: Whole,
    columns: Whole,
    products: Singles,
) -> _Nominees:
    """Leave out pairs of one image with itself, and those that are known already.

    Args:
        piece: Says whether either direction counts, and which pairs are known.
        rows: (m,) queries.
        columns: (m,) images that they are compared with.
        products: (m,).
    """
    usable = (rows != columns) if piece.pass_.either_way else (rows < columns)
    keys = np.minimum(rows, columns) * piece.images + np.maximum(rows, columns)
    usable &= ~np.isin(keys, piece.already)
    pairs = np.empty(int(usable.sum()), _NOMINEES)
    pairs["row"], pairs["column"] = rows[usable], columns[usable]
    pairs["score"] = products[usable]
    return pairs


class _Confirmation:
    """Lays nominated pairs over each other, first small, then at full size."""

    def __init__(
        self, small: Details, shapes: Sequence[tuple[int, ...]], image: Callable[[int], Image]
    ) -> None:
        """Take what pairs are laid over each other by.

        Args:
            small: (n, side, side) details of the reduced images.
            shapes: Of the images themselves.
            image: Reads one, by its place.
        """
        self._small = small
        self._shapes = shapes
        self._image = image
        self.found: dict[tuple[int, int], tuple[float, str]] = {}
        self._fitted: dict[Guess, Whole] = {}
        self._detail = lru_cache(maxsize=_DETAILS_KEPT)(self._read_detail)
        self._others_reach = cache(self._measure_others)

    def look_at(self, first: Whole, second: Whole, guesses: Sequence[Guess]) -> None:
        """Confirm pairs, of which the first may have become the second in some ways.

        Passes of other descriptors nominate like images again with the same guess, from which a
        registration comes out the same: a pair is fitted once by each guess.

        Args:
            first: (m,) places of images.
            second: (m,) places of images.
            guesses: The ways.
        """
        for guess in guesses:
            # those that were not fitted by a guess before, which are noted
            keys = first * len(self._small) + second
            before = self._fitted.get(guess, np.empty(0, dtype=np.int64))
            self._fitted[guess] = np.union1d(before, keys)
            new = np.flatnonzero(~np.isin(keys, before))
            for start in range(0, len(new), _BATCH):
                batch = new[start : start + _BATCH]
                rows, columns = first[batch], second[batch]
                ones, others = self._small[rows], self._small[columns]
                fitted = register(ones, others, guess, hopeless=_HOPELESS)
                for pair in np.flatnonzero(np.abs(fitted.correlation) > _ALIKE_SMALL):
                    self._look_closely(
                        int(rows[pair]), int(columns[pair]), guess, fitted, int(pair)
                    )

    def _look_closely(
        self, row: int, column: int, guess: Guess, fitted: Registration, number: int
    ) -> None:
        """Lay one pair over each other at full size, and keep it where it is a copy without doubt.

        Args:
            row: Place of the first image.
            column: Place of the second image.
            guess: How the one may come from the other.
            fitted: Registrations of small images.
            number: Which of these is the pair's.
        """
        # The small images, before the large ones are opened.
        place = Guess(down=abs(guess.down), across=abs(guess.across))
        alike = float(fitted.correlation[number])
        change = Change.read(guess, fitted.maps[number], SIDE)
        # what other pairs reach is measured last: it takes longer than all else
        if (
            not change.plausible
            or abs(alike) <= change.asked
            or abs(alike) <= self._others_reach(place, small=True)
        ):
            return
        # The same at full size.
        least = self._others_reach(place, small=False)
        first, second = self._details(row, column)
        side = len(first)
        start = fitted.maps[number].copy()
        start[4:] *= side / SIDE
        close = refine(
            first[None], second[None], guess, Registration(np.array([alike]), start[None])
        )
        # A copy must be more alike than other pairs, everywhere.
        correlation = abs(float(close.correlation[0]))
        change = Change.read(guess, close.maps[0], side)
        pair = (min(row, column), max(row, column))
        best = max(self.found.get(pair, (0.0, ""))[0], least, change.asked)
        if (
            change.plausible
            and correlation > best
            and alike_everywhere(first, second, guess, close) > _ALIKE_IN_PARTS
            and z_score(first, second, guess, close) > _MIN_Z_SCORE
        ):
            resized = self._shapes[row] != self._shapes[column]
            self.found[pair] = (min(correlation, 1.0), change.kind(alike < 0, resized))

    def _details(self, row: int, column: int) -> tuple[Details, Details]:
        """Return both images' detail, without the fringe of empty ground where both have some.

        JPEG makes ground of what had a little noise, so one image's ground says nothing.
        """
        # at the size of the smaller one, or 128
        shapes = (self._shapes[row], self._shapes[column])
        planes = (shape[-3:-1] if len(shape) == 4 else shape[:2] for shape in shapes)
        side = max(min(_FULL_SIDE, *(side for plane in planes for side in plane)), 8)
        (first, first_inside), (second, second_inside) = (
            self._detail(place, side) for place in (row, column)
        )
        if first_inside is None or second_inside is None:
            return first, second
        return first_inside, second_inside

    def _read_detail(self, row: int, side: int) -> tuple[Details, Details | None]:
        """Compute an image's detail; and that inside of empty ground, None without any."""
        picture = reduced(projection(self._image(row)), side)[None]
        if side < _MIN_FINE_SIDE:
            return details_of(picture)[0], None
        whole, inside = fine_details_inside(picture)
        return whole[0], None if np.array_equal(whole, inside) else inside[0]

    def _measure_others(self, guess: Guess, *, small: bool) -> float:
        """Measure what is asked of a copy, small or at full size, above what other pairs reach."""
        # Random pairs of other images, registered in the same way.
        draws = stream(_SEED, "other pairs")
        pairs = draws.integers(0, len(self._small), (_OTHER_PAIRS, 2))
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        least = _ALIKE_SMALL if small else _ALIKE
        if not len(pairs):
            return least
        if small:
            fitted = register(self._small[pairs[:, 0]], self._small[pairs[:, 1]], guess)
            correlations = fitted.correlation
        else:
            correlations = np.empty(len(pairs))
            for number, (row, column) in enumerate(pairs.tolist()):
                first, second = self._details(row, column)
                fitted = register(first[None], second[None], guess)
                correlations[number] = fitted.correlation[0]
        # this far above the median of other pairs, after Fisher, by what copies bear
        values = np.arctanh(np.clip(np.abs(correlations), 0, 1 - 1e-9))
        median = np.median(values)
        deviation = 1.4826 * np.median(np.abs(values - median))
        above = np.tanh(median + _BEYOND_OTHERS * deviation)
        return float(np.clip(above, least, _MAX_ASKED))


@dataclass(frozen=True)
class Change:
    """What lies between two images that fit."""

    mirrored: bool
    quarters: int
    turned: bool
    scaled: bool
    moved: bool
    plausible: bool

    @classmethod
    def read(cls, guess: Guess, map_: Floats, side: int) -> "Change":
        """Tell what a registration did to the first image.

        Args:
            guess: From which it began.
            map_: (6,) of the pair.
            side: Of the images that were registered.
        """
        # The turn that is nearest to the matrix, its lengths along both axes, and how far they are
        # from a right angle.
        matrix = np.array([[1 + map_[0], map_[1]], [map_[2], 1 + map_[3]]])
        turn = np.rad2deg(np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))
        down, across = np.linalg.norm(matrix, axis=0)
        skew = abs(float(matrix[:, 0] @ matrix[:, 1])) / max(down * across, 1e-12)
        sizes = sorted((float(down), float(across)))
        quarters = guess.quarters % 4
        return cls(
            mirrored=guess.mirrored,
            quarters=0 if guess.mirrored and quarters == 2 else quarters,  # upside down
            turned=bool(abs(turn) > _STRAIGHT),
            scaled=max(abs(size - 1) for size in sizes) > _WHOLE,
            moved=float(np.abs(map_[4:]).max()) > max(_STILL * side, _STILL_PIXELS),
            plausible=_PLAUSIBLE[0] < sizes[0]
            and sizes[1] < min(_PLAUSIBLE[1], _EVEN * sizes[0])
            and skew < _SKEW,
        )

    @property
    def asked(self) -> float:
        """Say the least correlation: the more freely a pair was fitted, the more is asked."""
        oriented = self.mirrored or self.quarters > 0
        if self.turned or self.scaled:
            return _ALIKE_REORIENTED_AND_WARPED if oriented else _ALIKE_WARPED
        return _ALIKE_WARPED if oriented and self.moved else _ALIKE

    def kind(self, inverted: bool, resized: bool) -> str:
        """Name the change that made the copy, in words of `KINDS`."""
        done = {
            "mirrored": self.mirrored,
            f"turned by {90 * self.quarters}°": self.quarters > 0,
            "turned by a few degrees": self.turned,
            "cropped": self.scaled,
            "shifted": self.moved and not self.scaled,
            "inverted": inverted,
        }
        named = [kind for kind, holds in done.items() if holds]
        return ", ".join(named) if named else ("resized" if resized else "recompressed")
