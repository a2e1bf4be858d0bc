"""Masks that lie beside images, told by their names.

`film_mask.png`, `film-label.png` and `film_seg_1.png` are masks of `film.png`, `mask_7.png` is one
of `image_7.png`, and `masks/film.png` is one of `images/film.png` or `film.png`. A name is that of
a mask only where an image's is there that fits it. Where none does, `scan/mask.nii.gz` is one of
the only image in its folder, `p1/p1_seg.nii.gz` one of all images `p1/p1_…`, and
`leftMask/film.png` one of the only image `film.png` elsewhere; `7/7_lesion/7_lesion.png` is one of
`7/7_image/7.png`, the only `7.png` in the folders of `7`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from skiagram.errors import DataError

MaskChoice = Literal["regions", "leave-out", "images"]
_MASK = (
    "masks?|msk|segm?|segmentations?|segmented|labels?|labelmap|gt|(?:ground[ _-]?)?truth"
    "|annotations?|annotated|rois?|contours?|outlines?"
)
# Also of the data sets PH2, DRIVE, CHASE DB1, GlaS and ISIC; as folders these may be classes.
_MASK_OF_NAME = rf"{_MASK}|lesions?|manual\d?|anno|annot|binary|superpixels?|1stHO|2ndHO"
_IMAGE = "images?|imgs?|imaging|volumes?"
_BEGIN = r"(?:^|[ _.-]+|(?-i:(?<=[a-z\d])(?=[A-Z])))"
_END = r"(?![^\W_])"  # of a word: no letter and no digit follows
_MASK_WORD, _MASK_STEM, _IMAGE_WORD = (
    re.compile(rf"(?i){_BEGIN}(?:{words})(?:Tr|Ts)?{_END}")
    for words in (_MASK, _MASK_OF_NAME, _IMAGE)
)
_LAST_WORD = re.compile(r"[ _.-]+[^\W\d_]+$")  # such as `tumour` before `mask`
_CHANNEL = re.compile(r"_\d{4}$")  # of an image in nnU-Net's folder `imagesTr`
_OF_NNUNET = re.compile(r"images?T[rs]")
_NUMBER = re.compile(r"[ _.-]*\(?\d+\)?")
_BETWEEN = " _.-"
_WORD = "*"  # stands for either word, where one takes the place of the other


@dataclass(frozen=True)
class MaskNames:
    """The masks among some image files.

    Attributes:
        of_image: Image → its masks, in order of name.
        alone: Masks by their names whose image is not there.
    """

    of_image: Mapping[str, Sequence[str]] = field(default_factory=dict)
    alone: Sequence[str] = ()

    @property
    def names(self) -> set[str]:
        return {mask for masks in self.of_image.values() for mask in masks} | set(self.alone)

    def describe(self, choice: MaskChoice | None) -> str:
        """Return a sentence on what becomes of them; empty where there are none."""
        if not self.names:
            return ""
        images, masks = len(self.of_image), len(self.names) - len(self.alone)
        sentence = (
            f"{masks} masks of {images} images by their names, for example {self.example()}: "
        )
        sentence += "the images' regions." if choice == "regions" else "left out."
        if self.alone:
            sentence += f" {len(self.alone)} more without an image are left out: `{self.alone[0]}`."
        return sentence

    def example(self) -> str:
        """Return a mask and its image, in quotation marks."""
        image, masks = next(iter(self.of_image.items()))
        return f"`{masks[0]}` of `{image}`"


def find_masks(names: Iterable[str]) -> MaskNames:
    """Return which of some image files are masks of others."""
    every = sorted(set(names))
    images: dict[tuple[str, ...], list[str]] = {}
    for name in every:
        for key in _keys_of_image(name):
            images.setdefault(key, []).append(name)
    fitting: dict[str, list[str]] = {}
    for name in every:
        others = ([each for each in images.get(k, ()) if each != name] for k in _keys_of_mask(name))
        if masked := next(filter(None, others), None):
            fitting[name] = masked
    fitting |= dict(_by_folder(every, fitting))
    of_image: dict[str, list[str]] = {}
    for mask, masked in fitting.items():
        for image in masked:
            if image not in fitting:
                of_image.setdefault(image, []).append(mask)
    placed = {mask for masks in of_image.values() for mask in masks}
    alone = [name for name in every if name not in placed and any(_keys_of_mask(name))]
    return MaskNames(of_image, alone) if of_image else MaskNames()


def _by_folder(
    names: Sequence[str], fitting: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield masks without an image of their name, and the images that their folders give them."""
    split = {name: _split(name) for name in names}
    masks = {name for name in names if name in fitting or any(_keys_of_mask(name))}
    by_folder: dict[tuple[str, ...], list[str]] = {}
    by_stem: dict[str, list[str]] = {}
    for name in names:
        if name not in masks:
            folders, stem = split[name]
            by_folder.setdefault(folders, []).append(name)
            by_stem.setdefault(stem, []).append(name)
    for name in sorted(masks - fitting.keys()):
        folders, stem = split[name]
        beside, plain = by_folder.get(folders, []), _MASK_WORD.sub("", stem).strip(_BETWEEN)
        if stem != plain and folders and beside:
            of_patient = [other for other in beside if split[other][1].startswith(plain)]
            if beside == of_patient and (plain or len(beside) == 1):
                yield name, of_patient
                continue
        bare = _MASK_STEM.sub("", stem).strip(_BETWEEN)
        of_case = [
            other
            for other in by_stem.get(bare, [])
            if folders[-2:-1] == (bare,) and split[other][0][:-1] == folders[:-1]
        ]
        if stem != bare and len(of_case) == 1:
            yield name, of_case
            continue
        words = [word[0].strip(_BETWEEN) for part in folders for word in _MASK_WORD.finditer(part)]
        elsewhere = by_stem.get(plain, []) if words else []
        alike = [other for other in elsewhere if other in beside or _names_a_mask(other, words)]
        if len(elsewhere) == 1 and not alike:
            yield name, elsewhere


def _names_a_mask(name: str, words: Sequence[str]) -> bool:
    """Return whether a folder of a file has a word within another, as `nomask` beside `mask`."""
    folders = "/".join(_split(name)[0]).casefold()
    return any(word.casefold() in folders for word in words)


def settle_masks(names: Collection[str], choice: MaskChoice | None, where: str) -> MaskNames:
    """Return the masks among some image files that are not to be taken as images.

    Args:
        choice: What to do with them; None refuses them.
    """
    masks = MaskNames() if choice == "images" else find_masks(names)
    if masks.of_image and choice is None:
        raise DataError(
            f"{len(masks.names)} of {len(set(names))} image files are masks by their names, "
            f"for example {masks.example()}",
            where=where,
            allowed="images; masks with a choice of what they are for",
            remedy="add `--masks regions` to describe the images within their masks, `--masks "
            "leave-out` to take them without, or `--masks images` where these are no masks",
        )
    if choice == "regions" and not masks.of_image:
        raise DataError(
            "no image has a mask beside it by its name",
            where=where,
            allowed="names such as `film_mask.png` of `film.png`, or `masks/film.png` of "
            "`images/film.png`",
            remedy="name the masks in a column `mask` of the table, or leave --masks out",
        )
    return masks


def without_image_folders(folders: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the folders of some files without those that say `images` of each of them."""
    names_images = [
        all(_IMAGE_WORD.fullmatch(part) for part in parts) for parts in zip(*folders, strict=False)
    ]
    return [
        [part for at, part in enumerate(parts) if not (at < len(names_images) and names_images[at])]
        for parts in folders
    ]


def _split(name: str) -> tuple[tuple[str, ...], str]:
    """Return the folders of a file, and its name without the ending."""
    path = PurePosixPath(name)
    return path.parts[:-1], path.name.removesuffix(".gz").removesuffix(
        PurePosixPath(path.name.removesuffix(".gz")).suffix
    )


def _without(word: re.Pattern[str], folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(filter(None, (word.sub("", folder).lstrip(_BETWEEN) for folder in folders)))


def _keys_of_image(name: str) -> Iterator[tuple[str, ...]]:
    folders, stem = _split(name)
    for stems in dict.fromkeys((stem, _IMAGE_WORD.sub(_WORD, stem))):
        yield (*_without(_IMAGE_WORD, folders), stems)
    if folders and _OF_NNUNET.fullmatch(folders[-1]) and _CHANNEL.search(stem):
        yield (*_without(_IMAGE_WORD, folders), _CHANNEL.sub("", stem))


def _keys_of_mask(name: str) -> Iterator[tuple[str, ...]]:
    """Yield the keys that an image of a mask may have, the likeliest first; none of other files."""
    folders, stem = _split(name)
    inside = _without(_IMAGE_WORD, folders)
    beside = _without(_MASK_WORD, inside)
    if beside != inside:
        yield from ((*beside, stem), (*beside, _IMAGE_WORD.sub(_WORD, stem)))
    *_, word = (None, *_MASK_STEM.finditer(stem))
    if word is not None:
        before, after = stem[: word.start()], stem[word.end() :]
        yield (*beside, before + _WORD + after)
        yield (*beside, before + after if before else after.lstrip(_BETWEEN))
        if not after or _NUMBER.fullmatch(after):
            yield (*beside, before)
            if shorter := _LAST_WORD.sub("", before):
                yield (*beside, shorter)
