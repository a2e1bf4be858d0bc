"""Masks that lie beside images, told by their names.

A row of `layouts.yaml` is a usual layout: the names of an image and of its mask. A name is that of
a mask only where an image's is there that fits it.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import commonpath
from pathlib import PurePosixPath

from skiagram.datasets.choices import MaskChoice
from skiagram.datasets.folder.name_patterns import CONTENT, LAYOUTS, NamePattern
from skiagram.datasets.folder.roles import part_of
from skiagram.datasets.folder.table import join_masks, normalise_name
from skiagram.errors import refusal

_MAY_BE_MASK = re.compile(CONTENT["may_be_mask"])
_LAYOUTS = [[*map(NamePattern, layout)] for layout in LAYOUTS["masks"]]  # an image, a mask of it
_OF_ONE_PATIENT = NamePattern("{folders}{before}{scan}")
_MAY_DIFFER = {"scan", "channel", "bare"}  # images of one mask
_NUMBERS_AND_SIDES = re.compile(r"(?i)\d+|(?<![^\W_])(left|right|l|r)(?![^\W_])|[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z\d])(?=[A-Z])")


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

    def cell(self, image: str) -> str:
        """Return the cell that names the masks of an image; empty where it has none."""
        return join_masks(self.of_image.get(normalise_name(image), ()))

    def describe(self, choice: MaskChoice | None) -> str:
        """Return a sentence on what becomes of them; empty where nobody asked and none is there."""
        if not self.names:
            return (
                "No file is a mask by its name: none was left out." if choice == "leave-out" else ""
            )
        sentence = (
            f"{len(self.names) - len(self.alone)} masks of {len(self.of_image)} images by "
            f"their names, for example {self.example()}: "
        )
        sentence += "the images' regions." if choice == "regions" else "left out."
        if self.alone:
            sentence += (
                f" {len(self.alone)} more are left out, as by its name no image belongs to "
                f"`{self.alone[0]}`."
            )
        return sentence

    def example(self) -> str:
        """Return a mask and its image, in quotation marks."""
        image, masks = next(iter(self.of_image.items()))
        return f"`{masks[0]}` of `{image}`"


def find_masks(names: Iterable[str]) -> MaskNames:
    """Return which of some image files are masks of others."""
    stems = {name: without_ending(name) for name in sorted(set(names))}
    # files that are called like a mask, whatever lies beside them
    masks = [name for name, stem in stems.items() if _MAY_BE_MASK.search(stem)]
    images_of: dict[str, list[str]] = {}
    for image_layout, mask_layout in _LAYOUTS if masks else ():
        # images by what a mask's name tells of theirs, with what it does not
        told = {*image_layout.fields} & {*mask_layout.fields}
        images: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, stem in stems.items():
            for reading in image_layout.readings(stem) if name not in images_of else ():
                key = image_layout.fill({part: reading[part] for part in told})
                own = tuple(reading[part] for part in reading.keys() - told - _MAY_DIFFER)
                images.setdefault(key, {})[name] = own
        for mask in masks:
            readings = mask_layout.readings(stems[mask]) if mask not in images_of else ()
            # of several images that with the mask's ending, as a scene has a picture besides
            for ending in ("", PurePosixPath(mask).suffix):
                for reading in readings:
                    found = images.get(image_layout.fill(reading), {})
                    fitting = [name for name in found if name != mask and name.endswith(ending)]
                    if len({found[name] for name in fitting}) == 1:
                        images_of.setdefault(mask, fitting)
    # a mask is no image of another one
    of_image: dict[str, list[str]] = {}
    for mask, masked in sorted(images_of.items()):
        for image in masked:
            if image not in images_of:
                of_image.setdefault(image, []).append(mask)
    placed = of_image.keys() | MaskNames(of_image).names
    # a folder that holds an image says nothing by its name: it is the title of all, or a class
    holding = {folder for image in of_image for folder in PurePosixPath(image).parents}
    alone = []
    for name in masks if of_image else ():
        path = PurePosixPath(stems[name])
        nearest = next(filter(holding.__contains__, path.parents), path.parent)
        if name not in placed and _MAY_BE_MASK.search(path.relative_to(nearest).as_posix()):
            alone.append(name)
    return MaskNames(of_image, alone)


def settle_masks(names: Collection[str], choice: MaskChoice | None, where: str) -> MaskNames:
    """Return the masks among some image files that are not to be taken as images.

    Args:
        choice: What to do with them; None refuses them.
    """
    masks = find_masks(() if choice == "images" else names)
    if masks.of_image and choice is None:
        raise refusal(
            "datasets.masks_among_images",
            where,
            n_masks=len(masks.names),
            n_files=len(set(names)),
            example=masks.example(),
        )
    if choice == "regions" and not masks.of_image:
        raise refusal("datasets.no_mask_beside", where)
    if choice != "regions":
        return masks
    # those that lie apart from all images, but are called as one of the same part that has others
    called, holding = defaultdict(list), set()
    for image in masks.of_image:
        path = PurePosixPath(image)
        called[without_ending(path.name), frozenset(map(part_of, path.parts))].append(image)
        holding.add(path.parent)
    elsewhere: dict[str, list[str]] = {}
    for mask in masks.alone:
        path = PurePosixPath(without_ending(mask))
        parts = frozenset(map(part_of, path.parts))
        for end in re.finditer(r"[\W_]|$", path.name) if path.parent not in holding else ():
            if fitting := called.get((path.name[: end.start()], parts)):
                nearest = max(fitting, key=lambda image: len(commonpath([image, mask])))
                elsewhere.setdefault(nearest, []).append(mask)
    # masks of several kinds, such as two organs, two readers, a field of view, would be united
    for image, image_masks in masks.of_image.items():
        # numbers and sides of a name say nothing
        kinds = {
            _NUMBERS_AND_SIDES.sub("", _CAMEL.sub(" ", without_ending(mask))): mask
            for mask in reversed([*image_masks, *elsewhere.get(image, ())])
        }
        if len(kinds) > 1:
            first, second, *_ = sorted(kinds.values())
            raise refusal(
                "datasets.masks_of_several_kinds",
                where,
                image=image,
                n_kinds=len(kinds),
                first=first,
                second=second,
            )
    return masks


def without_ending(name: str) -> str:
    """Return the name of a file without its ending, `.gz` included."""
    plain = name.removesuffix(".gz")
    return plain.removesuffix(PurePosixPath(plain).suffix)


def without_modality(stem: str) -> str:
    """Return a name without its last words, where these say a modality."""
    readings = _OF_ONE_PATIENT.readings(stem)
    return readings[0]["folders"] + readings[0]["before"] if readings else stem
