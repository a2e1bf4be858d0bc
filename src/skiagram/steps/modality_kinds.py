"""Which kind of image each modality is, as its preparation asks: CT, MR or PET.

What the DICOM headers of all its files say counts; names are asked where no header says it.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from skiagram.datasets.ingest import ImageNote

_WORDS = {  # how modalities and folders are called → kind
    "pet": re.compile(r"(?i)(?<![a-z])(pet|suv)(?![a-z])"),
    "ct": re.compile(r"(?i)(?<![a-z])(ct|cect|hu)(?![a-z])"),
    "mr": re.compile(r"(?i)(?<![a-z])(mri?|t[12]w?|flair|adc|dwi)(?![a-z])"),
}
_PT = re.compile(r"(?i)(?<![a-z])pt(?![a-z])")  # of a modality's name; in a file's, a patient
_BY_HEADER = {"PT": "pet", "CT": "ct", "MR": "mr"}  # DICOM Modality → kind
_LEAST_CONTRAST = 5.0  # standard deviation of an image in Hounsfield units
_SCALED = "intensities are scaled in each region, as of MR"
_SENTENCES = {
    "differ": "The DICOM headers{whose} say {headers}, names say {named}: the headers count.",
    "several": "The DICOM headers{whose} say {headers}: {scaled}. Make a data set of each.",
    "other": "The DICOM headers{whose} say {headers}: {scaled}.",
    "untold": "Headers and names do not tell CT, MR or PET: {scaled}. For CT choose "
    "restoration=region_ct and features=region/ct.",
    "named": "No header tells what images{whose} are: names say {named}.",
    "no units": "CT{whose} is not in Hounsfield units, it {fault}: {scaled}.",
}


def find_kinds(images: Mapping[str, Sequence[ImageNote]]) -> tuple[dict[str, str], str]:
    """Tell the kind of each modality, and in sentences what was assumed.

    Args:
        images: Modality → its images.

    Returns:
        Modality → `ct`, `mr` or `pet`; and the sentences, empty where headers say it all.
    """
    kinds, told = dict[str, str](), list[str]()
    for modality, each in images.items():
        stated = sorted({image.modality for image in each} - {""})
        by_header = _BY_HEADER.get(stated[0]) if len(stated) == 1 else None
        # `pt` in a file's name is a patient
        words = f"{modality} {each[0].name}".replace("_", " ")
        is_pet = _PT.search(modality.replace("_", " ")) is not None
        matching = (kind for kind, word in _WORDS.items() if word.search(words))
        by_name = "pet" if is_pet else next(matching, None)
        kinds[modality] = by_header or ("mr" if stated else by_name or "mr")
        # the first of these that holds is said
        rules = {
            "differ": by_header and by_name and by_header != by_name,
            "several": len(stated) > 1,
            "other": stated and not by_header,
            "untold": not stated and not by_name,
            "named": not stated and by_name,
        }
        keys = [key for key, holds in rules.items() if holds][:1]
        # bounds and bins of CT are in Hounsfield units
        fault = ""
        if kinds[modality] == "ct":
            contrast = float(np.median([image.contrast for image in each]))
            fault = f"varies by {contrast:.2g} alone" if contrast < _LEAST_CONTRAST else ""
            fault = "holds bytes" if all(image.dtype == "uint8" for image in each) else fault
        if fault:
            kinds[modality] = "mr"
            keys.append("no units")
        whose = modality and f" of {modality}"
        filled = {"headers": " and ".join(stated), "named": (by_name or "").upper(), "fault": fault}
        told += [_SENTENCES[key].format(whose=whose, scaled=_SCALED, **filled) for key in keys]
    return kinds, " ".join(told)
