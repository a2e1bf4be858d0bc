"""Masks that lie beside images, told by their names.

`film_mask.png`, `film-label.png` and `film_seg_1.png` are masks of `film.png`, `mask_7.png` is one
of `image_7.png`, and `masks/film.png` is one of `images/film.png` or `film.png`. A name is that of
a mask only where an image's is there that fits it. Where none does, `scan/mask.nii.gz` is one of
the only image in its folder, `p1/p1_seg.nii.gz` one of all images `p1/p1_…`, and
`leftMask/film.png` one of the only image `film.png` elsewhere; `7/7_lesion/7_lesion.png` is one of
`7/7_image/7.png`, the only `7.png` in the folders of `7`. Last, names need to be equal only before
the first word of a mask and without words of a modality: `p1_seg-vert_msk.nii.gz` is one of
`p1_ct.nii.gz`, `labelsTr/p1.nii.gz` one of `imagesTr/p1__CT.nii.gz` and `imagesTr/p1__PT.nii.gz`,
`s1/segmentations/liver.nii.gz` one of `s1/ct.nii.gz`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from skiagram.errors import DataError

MaskChoice = Literal["regions", "leave-out", "images"]
_MASK = (  # a number may stand at the end, as in `film_mask1`
    r"(?:masks?|msk|segm?|gt|rois?|contours?|outlines?|masken?|masques?|m[aá]scaras?)\d{0,2}"
    r"|(?:lung|lesion|tumou?r|nodule|organ|brain|breast|liver)masks?"
    "|segmentations?|segmented|labels?|labelmap|(?:ground[ _-]?)?truths?"
    r"|annotations?|annotated|dseg|manual\d?"
)
# Also of the data sets PH2, CHASE DB1, GlaS and ISIC; as folders these may be classes.
_MASK_OF_NAME = rf"{_MASK}|lesions?|anno|annot|attributes?|binary|superpixels?|1stHO|2ndHO"
_IMAGE = "images?|imgs?|imaging|volumes?"
_BEGIN = r"(?:^|[ _.-]+|(?-i:(?<=[a-z\d])(?=[A-Z])))"
_END = r"(?![^\W_])"  # of a word: no letter and no digit follows
_MASK_WORD, _MASK_STEM, _IMAGE_WORD = (
    re.compile(rf"(?i){_BEGIN}(?:{words})(?:Tr|Ts)?{_END}")
    for words in (_MASK, _MASK_OF_NAME, _IMAGE)
)
_LAST_WORD = re.compile(r"[ _.-]+[^\W\d_]+$")  # such as `tumour` before `mask`
_CHANNEL = re.compile(r"_\d{4}$")  # of an image in nnU-Net's folder `imagesTr`
_NNUNET_FOLDER = re.compile(r"images?T[rs]")
# Of BIDS's suffixes, DICOM's codes and names in public data sets.
_MODALITY_WORD = re.compile(
    r"(?i)(?:^|[ _.-]+)(?:CT|CBCT|PE?T|MRI?|T1(?:w|c|ce|gd|n)?|T2(?:w|f|star)?|FLAIR|PD|PDw|DWI|ADC"
    r"|SWI|BOLD|US)$"
)
_PART_WORD = re.compile(r"(?i)[ _.-]+(?:train|training|test|testing|val|validation)$")  # DRIVE
_ENTITY = re.compile(r"_(?:space|desc|res|den)-[^_]+")  # that BIDS adds to names of derivatives
_BIDS_FOLDERS = {"derivatives", "rawdata", "sourcedata"}
_WITHIN = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_SIDES = {"left", "right", "l", "r"}  # both lungs are one region
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
        folders, stem = split_name(name)
        image_folders = _without(_IMAGE_WORD, folders)
        stems = [stem, _IMAGE_WORD.sub(_WORD, stem)]
        if folders and _NNUNET_FOLDER.fullmatch(folders[-1]) and _CHANNEL.search(stem):
            stems.append(_CHANNEL.sub("", stem))
        for key in dict.fromkeys((*image_folders, each) for each in stems):
            images.setdefault(key, []).append(name)
    fitting: dict[str, list[str]] = {}
    for name in every:
        others = ([each for each in images.get(k, ()) if each != name] for k in _keys_of_mask(name))
        if masked := next(filter(None, others), None):
            fitting[name] = masked
    fitting |= dict(_by_folder(every, fitting))
    fitting |= dict(_by_beginning(every, fitting))
    masks_by_image: dict[str, list[str]] = {}
    for mask, masked in sorted(fitting.items()):
        for image in masked:
            if image not in fitting:
                masks_by_image.setdefault(image, []).append(mask)
    placed = {mask for masks in masks_by_image.values() for mask in masks}
    alone = [name for name in every if name not in placed and any(_keys_of_mask(name))]
    return MaskNames(masks_by_image, alone) if masks_by_image else MaskNames()


def _by_folder(
    names: Sequence[str], fitting: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield masks without an image of their name, and the images that their folders give them."""
    split = {name: split_name(name) for name in names}
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
        folder_images, plain = by_folder.get(folders, []), _MASK_WORD.sub("", stem).strip(_BETWEEN)
        if stem != plain and folders and folder_images:
            patient_images = [other for other in folder_images if split[other][1].startswith(plain)]
            if folder_images == patient_images and (plain or len(folder_images) == 1):
                yield name, patient_images
                continue
        bare = _MASK_STEM.sub("", stem).strip(_BETWEEN)
        case_images = [
            other
            for other in by_stem.get(bare, [])
            if folders[-2:-1] == (bare,) and split[other][0][:-1] == folders[:-1]
        ]
        if stem != bare and len(case_images) == 1:
            yield name, case_images
            continue
        words = [word[0].strip(_BETWEEN) for part in folders for word in _MASK_WORD.finditer(part)]
        elsewhere = by_stem.get(plain, []) if words else []
        alike = [
            other for other in elsewhere if other in folder_images or _names_a_mask(other, words)
        ]
        if len(elsewhere) == 1 and not alike:
            yield name, elsewhere


def _by_beginning(
    names: Sequence[str], fitting: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield masks without an image yet, and the images whose names begin like theirs."""
    masks = {name for name in names if name in fitting or any(_keys_of_mask(name))}
    if not masks - fitting.keys():
        return
    by_beginning: dict[str, list[str]] = {}
    by_folder: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        if name not in masks:
            folders, stem = split_name(name)
            by_folder.setdefault(folders, []).append(name)
            for beginning in dict.fromkeys((stem, *_shortened(stem))):
                by_beginning.setdefault(beginning, []).append(name)
    for name in sorted(masks - fitting.keys()):
        folders, stem = split_name(name)
        at = next((at for at, part in enumerate(folders) if _MASK_WORD.search(part)), None)
        # its name before its first word of a mask, and before its folder's words
        words = [_MASK_WORD.sub("", part).strip(_BETWEEN) for part in folders[-1:]]
        repeated = re.compile(
            "|".join(rf"[ _.-]+{re.escape(word)}$" for word in words if word) or "$^"
        )
        word = _MASK_STEM.search(stem)
        beginning = repeated.sub("", stem if word is None else stem[: word.start()])
        for key in (beginning, beginning.replace("_space-", "_"), *_shortened(beginning)):
            alike = [other for other in by_beginning.get(key, ()) if _near(name, other)]
            if key and alike:
                if len({split_name(other)[0] for other in alike}) == 1:
                    yield name, alike
                break
        else:
            folder_images = by_folder.get(folders[:at], []) if at else []
            nameless = [
                not without_modality(_IMAGE_WORD.sub("", split_name(other)[1]))
                for other in folder_images
            ]
            if folder_images and all(nameless):
                yield name, folder_images


def _shortened(stem: str) -> tuple[str, str]:
    """Return a name without modality and part of the data, and without what BIDS adds to it."""
    bare = without_modality(_PART_WORD.sub("", stem))
    return bare, without_modality(_ENTITY.sub("", stem))


def without_modality(stem: str) -> str:
    """Return the name of a file without its last words, where these say a modality."""
    while (shorter := _MODALITY_WORD.sub("", stem)) != stem:
        stem = shorter
    return stem


def _near(mask: str, image: str) -> bool:
    """Return whether the folders of a mask may be those of an image."""
    folders = split_name(mask)[0]
    mask_parts = [part for part in folders if _MASK_WORD.search(part) or part in _BIDS_FOLDERS]
    mask_folders = _without(_IMAGE_WORD, (part for part in folders if part not in mask_parts))
    image_folders = _without(
        _IMAGE_WORD, (part for part in split_name(image)[0] if part not in _BIDS_FOLDERS)
    )
    words = [word[0].strip(_BETWEEN) for part in mask_parts for word in _MASK_WORD.finditer(part)]
    if mask_folders == image_folders:
        return True
    shared = min(len(mask_folders), len(image_folders))
    ends_alike = (
        mask_folders[len(mask_folders) - shared :] == image_folders[len(image_folders) - shared :]
    )
    return bool(mask_parts) and ends_alike and not _names_a_mask(image, words)


def _refuse_kinds(masks: MaskNames, where: str) -> None:
    """Refuse images with masks of several kinds, such as two organs, two readers, a field of view.

    Raises:
        DataError: They would be united, and nobody asked for that.
    """
    for image, image_masks in masks.of_image.items():
        # the words of a mask's name that are not its image's; sides and numbers say nothing
        kinds: dict[frozenset[str], str] = {}
        for mask in reversed(image_masks):
            own, others = (
                {
                    word.casefold()
                    for part in (*folders, stem)
                    for word in _WITHIN.findall(_CAMEL.sub(" ", part))
                }
                for folders, stem in (split_name(mask), split_name(image))
            )
            words = own - others - _SIDES
            kinds[frozenset(filter(None, (word.rstrip("0123456789") for word in words)))] = mask
        if len(kinds) > 1:
            first, second, *_ = sorted(kinds.values())
            raise DataError(
                f"`{image}` has masks of {len(kinds)} kinds by their names: `{first}`, `{second}`",
                where=where,
                allowed="masks of one kind, such as `film_mask.png` and `film_mask_1.png`",
                remedy="name the images with --pattern and the masks that are the region with "
                "--mask-pattern, for example `--pattern '{patient}/ct.nii.gz' --mask-pattern "
                "'{patient}/segmentations/liver.nii.gz' --ignore-unlisted`; or take the images "
                "whole with `--masks leave-out`",
            )


def _names_a_mask(name: str, words: Sequence[str]) -> bool:
    """Return whether a folder of a file has a word within another, as `nomask` beside `mask`."""
    folders = "/".join(split_name(name)[0]).casefold()
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
    if choice == "regions":
        _refuse_kinds(masks, where)
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


@lru_cache(maxsize=2**16)
def split_name(name: str) -> tuple[tuple[str, ...], str]:
    """Return the folders of a file, and its name without the ending."""
    path = PurePosixPath(name)
    return path.parts[:-1], path.name.removesuffix(".gz").removesuffix(
        PurePosixPath(path.name.removesuffix(".gz")).suffix
    )


def _without(word: re.Pattern[str], folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(filter(None, (word.sub("", folder).lstrip(_BETWEEN) for folder in folders)))


def _keys_of_mask(name: str) -> Iterator[tuple[str, ...]]:
    """Yield the keys that an image of a mask may have, the likeliest first; none of other files."""
    folders, stem = split_name(name)
    inside = _without(_IMAGE_WORD, folders)
    plain_folders = _without(_MASK_WORD, inside)
    if plain_folders != inside:
        yield from ((*plain_folders, stem), (*plain_folders, _IMAGE_WORD.sub(_WORD, stem)))
    *_, word = (None, *_MASK_STEM.finditer(stem))
    if word is not None:
        before, after = stem[: word.start()], stem[word.end() :]
        yield (*plain_folders, before + _WORD + after)
        yield (*plain_folders, before + after if before else after.lstrip(_BETWEEN))
        if not after or _NUMBER.fullmatch(after):
            yield (*plain_folders, before)
            if shorter := _LAST_WORD.sub("", before):
                yield (*plain_folders, shorter)
