"""Traits of images that must not tell the label, and what it may mean where they do."""

from collections.abc import Mapping
from dataclasses import dataclass

from skiagram.audit.contract import Severity


@dataclass(frozen=True)
class Suspect:
    """One trait of images.

    Attributes:
        told: What tells the label.
        doubt: What else may explain it.
        remedy: What to do about it.
        severity: `note` where no model can learn it.
    """

    told: str
    doubt: str
    remedy: str
    severity: Severity = "warning"


_FORMAT_REMEDY = "export all images in one way, and ask where those of each class come from"
SUSPECTS: Mapping[str, Suspect] = {
    "border": Suspect(
        "the outermost pixels (mean, least and greatest of each corner and side)",
        "A mark, ruler or wedge that goes with the class would do so; so does what is shown, where "
        "it reaches the border, as in small images.",
        "look at the borders of both classes; crop or mask what was not made by the patient",
    ),
    "brightness": Suspect(
        "the mean of all pixels",
        "The disease may do that, and so does another device or exposure.",
        "ask how each class was taken; compare devices, or normalise intensities",
    ),
    "clipping": Suspect(
        "the shares of pixels at the least and at the greatest value of their image",
        "Another exposure or export would do that; so does a lesion that leaves the window.",
        "ask how each class was exported; widen the window",
    ),
    "empty_pixels": Suspect(
        "the shares of pixels that are missing or exactly 0",
        "Masks, padding or another export of one class would do that.",
        "mask or pad all images in one way",
    ),
    "format": Suspect(
        "height, width, channels and depth of the images",
        "No disease does that.",
        _FORMAT_REMEDY,
    ),
    "spacing": Suspect("the distance of pixels in mm", "No disease does that.", _FORMAT_REMEDY),
    "case_order": Suspect(
        "the place of an image among the sorted case and patient ids",
        "Ids were then not given at random.",
        "shuffle before ids are given",
    ),
    "file_order": Suspect(
        "the place of the file in the table or among the names, or the number in its name",
        "No model sees that, but images collected class by class often differ in other ways.",
        "ask if classes were taken at other times or places; give device and site as covariates",
        "note",
    ),
    "acquisition": Suspect(
        "what is known of how an image was taken",
        "Then a model may learn the device instead of the disease.",
        "compare classes within one device or site, or balance them",
    ),
}
