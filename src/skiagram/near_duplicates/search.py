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
    plane_sides,
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

# The least correlation of two details of a copy, below which a pair is none: of the small pictures,
# after which a pair is looked at closely, and at full size, by how freely the one was fitted.
_MIN_CORRELATION_SMALL = 0.75  # other images of generated sets reach .55; true copies at least .93
_HOPELESS_CORRELATION_SMALL = 0.4  # after three steps; pairs that reach .75 in the end have .53
_MIN_CORRELATION = 0.6  # others .42; true copies .73, where JPEG at quality 10 has taken the detail
_MIN_CORRELATION_WARPED = 0.8  # turned or cropped; LIDC nodules reach .68, copies at least .9
_MIN_CORRELATION_REORIENTED_AND_WARPED = 0.88  # the freest fit: most is asked
_MIN_CORRELATION_OF_PARTS = 0.55  # the median of 16 parts, so that no single one decides
_MIN_Z_SCORE = 5.0  # by independent places; copies reach 7, very smooth ones 4
# A copy is more alike than other pairs of its set, in which images may share an organ's outline.
_DEVIATIONS_ABOVE_OTHERS = 6.0  # standard deviations of other pairs' correlations, after Fisher
_MAX_ASKED_CORRELATION = 0.95  # more is never asked, however alike the others are
_OTHER_PAIRS_DRAWN = 128  # by chance, to see how alike others are
_SEED = 19_810_529
# Pixels a side of the pictures that are laid over each other.
_FULL_SIDE = 128  # larger ones are reduced to it
_MIN_FINE_SIDE = 24  # smaller images have no fine detail

# How many pairs a pass nominates, by a threshold of the products of its vectors.
_CHANCE_PAIRS_PER_IMAGE = 1 / 40  # that chance may nominate
_MIN_CHANCE_PAIRS = 5  # of a few images, too
_MAX_CHANCE_SHARE = 1e-3  # of all pairs
_MAX_THRESHOLD = 0.8  # whatever products other images have, such a pair is nominated
_SAMPLE_SIZES = (128, 2048)  # queries and others, to see how products vary
_BEST_PER_IMAGE = 1 / 8  # nominated pairs that are laid over each other
_MIN_BEST = 200  # of a few images, too
_TREES_OF_PASS = 32  # where not every pair is compared

# What a pass compares: windows, and turns of the image.
_TURN_DEGREES = 7.5  # to either side; spectra bear 4 degrees more or less
_CENTRED_WINDOWS = (SpectrumWindow(0.9), SpectrumWindow(0.8))  # of crops by 5 to 20 % of a side
_HALF_OF_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))  # the opposite ones are the other half
_OFF_CENTRE_WINDOWS = tuple(  # opposite ones follow each other
    SpectrumWindow(0.84, sign * y * 0.08, sign * x * 0.08)
    for y, x in _HALF_OF_DIRECTIONS
    for sign in (1, -1)
)
_FAR_WINDOWS = tuple(  # what is left of a side that was moved by a third
    SpectrumWindow(0.64, sign * y * 0.18, sign * x * 0.18)
    for y, x in _HALF_OF_DIRECTIONS
    for sign in (1, -1)
)
_MAX_BASIS_IMAGES = 2048  # that the basis of the spectra is fitted to

# How the work is cut into pieces that fit into memory; no pair depends on it.
_BLOCK_ROWS = 1024  # vectors whose products are taken at a time
_MAX_NOMINEES_HELD = 2**21  # before the best are chosen
_PIECES_OF_PASS = 32  # of its queries; the next pass is prepared while they are compared
_TREES_OF_PIECE = 4
_PAIRS_REGISTERED_TOGETHER = 256
_DETAILS_KEPT = 2048  # images at full size, as pairs share them

# What is called a change of a copy, and which changes no copy has.
_MIN_TURN_DEGREES = 1.5  # less is not called turned
_MIN_SCALE_CHANGE = 0.03  # of the scale of 1; less is not called cropped
_MIN_SHIFT = 0.02  # of a side; less is not called shifted
_MIN_SHIFT_PIXELS = 0.7  # the same where a side is short
_PLAUSIBLE_SCALES = (0.6, 1.6)  # of either axis; crops by a fifth of a side need .8 to 1.25
_MAX_SCALE_RATIO = 1.3  # of one axis to the other: a stretch is no copy that is sought
_MAX_SKEW_COSINE = 0.1  # between what were right angles

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

    # All images as small pictures, and their local detail, by which pairs are confirmed.
    small = stack_blocks(read(), (len(store), SIDE, SIDE), np.float16)
    starts = range(0, len(small), _BLOCK_ROWS)
    blocks = (details_of(small[at : at + _BLOCK_ROWS].astype(np.float64)) for at in starts)
    details = stack_blocks(blocks, (len(small), SIDE, SIDE), np.float32)
    # Each pass nominates pairs, without those found before, and the best of them are confirmed.
    confirmation = _Confirmation(details, shapes, store.image_at)
    already = np.sort(near.first * len(small) + near.second)
    max_nominees = max(int(_BEST_PER_IMAGE * len(small)), _MIN_BEST)
    nominees: list[_Nominees] = []
    for piece, nominated in parallel_map(_nominate, _pieces(small, details, already)):
        nominees.append(nominated)
        if piece.last or sum(map(len, nominees)) > _MAX_NOMINEES_HELD:
            nominees = [_choose_best(np.concatenate(nominees), max_nominees)]
        if piece.last:
            best = nominees.pop()
            confirmation.look_at(best["row"], best["column"], piece.pass_.guesses)
    return unite_pairs([near, Pairs.of(confirmation.found)])


def _choose_best(nominees: _Nominees, max_nominees: int) -> _Nominees:
    """Choose the pairs with the highest products, best first; equal ones in the images' order.

    Sorting all takes long where many are nominated, as where all images are alike: first twice as
    many as are wanted are looked at, with all that are as good as the last of them.
    """
    scores, choices = nominees["score"], [nominees]
    if len(scores) > 4 * max_nominees:
        place = len(scores) - 2 * max_nominees
        choices = [nominees[scores >= np.partition(scores, place)[place]], nominees]
    for choice in choices:
        order = np.lexsort((choice["column"], choice["row"], -choice["score"]))
        pair = (choice["row"].astype(np.int64) << 32) + choice["column"]
        _, first = np.unique(pair[order], return_index=True)  # several trees nominate one
        best = choice[order[np.sort(first)]][:max_nominees]
        if len(best) == max_nominees:
            break
    return best


def _pieces(small: Small, details: Details, already: Whole) -> Iterator[_Piece]:
    """Yield the work of all passes, some queries or trees at a time."""
    n = len(small)
    if n > MOST_COMPARED:
        whole, share = np.arange(_TREES_OF_PASS), _TREES_OF_PIECE
    else:
        whole = np.arange(0, n, _BLOCK_ROWS)
        share = -(-len(whole) // _PIECES_OF_PASS)
    for pass_ in _passes(small, details):
        # the threshold: what few products of other images exceed by chance, or .8
        pairs = n * (n - 1) / (1 if pass_.either_way else 2)
        chance = min(_MAX_CHANCE_SHARE, max(_CHANCE_PAIRS_PER_IMAGE * n, _MIN_CHANCE_PAIRS) / pairs)
        steps = [-(-n // size) for size in _SAMPLE_SIZES]
        rows, columns = (np.arange(0, n, step) for step in steps)
        products = pass_.queries(slice(0, n, steps[0])) @ pass_.base[columns].T
        others = products[rows[:, None] != columns].astype(np.float64)
        deviation = float(np.sqrt(np.mean((others - others.mean()) ** 2)))
        mean, tail = others.mean(), chance
        if not pass_.signed:
            mean, tail = abs(mean), chance / 2
        threshold = float(min(mean - scipy.special.ndtri(tail) * deviation, _MAX_THRESHOLD))
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
    basis = SpectrumBasis.fit(small[:: -(-len(small) // _MAX_BASIS_IMAGES)])
    if len(basis.orders):
        yield from _SpectrumPasses(small, basis)


def _stack_vectors(vectors: Callable[[slice], Vectors], images: int) -> Vectors:
    """Stack the vectors of all images as one array.

    Args:
        vectors: Gives those of some images.
        images: How many there are.
    """
    starts = range(0, images, _BLOCK_ROWS)
    blocks = (vectors(slice(start, start + _BLOCK_ROWS)) for start in starts)
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
        either = (-_TURN_DEGREES, _TURN_DEGREES)
        turned = [*product(self._orientations, (0, *either))]
        if not self._combined:
            turned += product([(False, 1)], either)
        for (mirrored, quarters), degrees in turned:
            yield self._pass(SpectrumWindow(), self._whole, Guess(mirrored, quarters, degrees))
        # Crops around the centre, and off it.
        for window in _CENTRED_WINDOWS:
            yield from self._cropped(window)
        for window in _OFF_CENTRE_WINDOWS:
            if window.down and window.across:
                yield from self._cropped(window)
            for mirrored, quarters in self._orientations:
                guess = Guess(mirrored, quarters)
                yield self._pass(window, self._opposite(window, guess), guess)
        # Shifts by a third of a side, where opposite windows show the same.
        for window in _FAR_WINDOWS if self._combined else ():
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
        queries = pass_.queries(slice(start, start + _BLOCK_ROWS))
        memory = np.empty(len(queries) * _BLOCK_ROWS, dtype=np.float32)
        for base_start in range(0 if pass_.either_way else start, piece.images, _BLOCK_ROWS):
            against = pass_.base[base_start : base_start + _BLOCK_ROWS]
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
            for start in range(0, len(new), _PAIRS_REGISTERED_TOGETHER):
                batch = new[start : start + _PAIRS_REGISTERED_TOGETHER]
                rows, columns = first[batch], second[batch]
                ones, others = self._small[rows], self._small[columns]
                fitted = register(ones, others, guess, hopeless=_HOPELESS_CORRELATION_SMALL)
                for pair in np.flatnonzero(np.abs(fitted.correlation) > _MIN_CORRELATION_SMALL):
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
            and alike_everywhere(first, second, guess, close) > _MIN_CORRELATION_OF_PARTS
            and z_score(first, second, guess, close) > _MIN_Z_SCORE
        ):
            resized = self._shapes[row] != self._shapes[column]
            self.found[pair] = (min(correlation, 1.0), change.kind(alike < 0, resized))

    def _details(self, row: int, column: int) -> tuple[Details, Details]:
        """Return both images' detail, without the fringe of empty ground where both have some.

        JPEG makes ground of what had a little noise, so one image's ground says nothing.
        """
        # at the size of the smaller one, or 128
        sides = (*plane_sides(self._shapes[row]), *plane_sides(self._shapes[column]))
        side = max(min(_FULL_SIDE, *sides), 8)
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
        pairs = draws.integers(0, len(self._small), (_OTHER_PAIRS_DRAWN, 2))
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        least = _MIN_CORRELATION_SMALL if small else _MIN_CORRELATION
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
        above = np.tanh(median + _DEVIATIONS_ABOVE_OTHERS * deviation)
        return float(np.clip(above, least, _MAX_ASKED_CORRELATION))


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
            turned=bool(abs(turn) > _MIN_TURN_DEGREES),
            scaled=max(abs(size - 1) for size in sizes) > _MIN_SCALE_CHANGE,
            moved=float(np.abs(map_[4:]).max()) > max(_MIN_SHIFT * side, _MIN_SHIFT_PIXELS),
            plausible=_PLAUSIBLE_SCALES[0] < sizes[0]
            and sizes[1] < min(_PLAUSIBLE_SCALES[1], _MAX_SCALE_RATIO * sizes[0])
            and skew < _MAX_SKEW_COSINE,
        )

    @property
    def asked(self) -> float:
        """Say the least correlation: the more freely a pair was fitted, the more is asked."""
        oriented = self.mirrored or self.quarters > 0
        if self.turned or self.scaled:
            return _MIN_CORRELATION_REORIENTED_AND_WARPED if oriented else _MIN_CORRELATION_WARPED
        return _MIN_CORRELATION_WARPED if oriented and self.moved else _MIN_CORRELATION

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
