"""A network on windows at candidates: any network on images or volumes says what each one shows."""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from skiagram.arrays import Floats
from skiagram.finding.inputs import FindingInputs
from skiagram.models.deep.backbone import OnBackbone
from skiagram.models.deep.contract import for_volumes
from skiagram.models.deep.finder import FindingNetwork
from skiagram.models.deep.searched_images import Lesions, Places, SearchedImage, SearchedImages
from skiagram.records.places import coordinates, of_cases
from skiagram.strict import STRICT

_FAR = 2.0  # radii of a lesion, beyond which a window shows none

_AT_ONCE = 128  # windows that are scored


@dataclass(**STRICT)
class WindowFinder(OnBackbone, FindingNetwork):
    """Options of the network on windows.

    It learns from a window around each lesion, from candidates near the lesion's centre, and from
    candidates further from every lesion than twice its radius.

    Attributes:
        near: Share of a lesion's radius within which a candidate shows it.
    """

    near: Annotated[float, Field(ge=0, le=1)]

    finds_in: ClassVar[Literal["candidates", "images"]] = "candidates"
    title: ClassVar[str] = "Network on windows at candidates"

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        return self.network().build(channels, height, width, n_classes)

    def build_for_volumes(
        self, channels: int, depth: int, height: int, width: int, n_classes: int
    ) -> nn.Module:
        network = for_volumes(self.network(), depth, height, width)
        return network.build_for_volumes(channels, depth, height, width, n_classes)

    def places(self, cases: FindingInputs, images: SearchedImages, lesions: Lesions) -> Places:
        """List lesions' centres and candidates that show a lesion, or none at all."""
        # Lesions themselves, at the centre of their windows.
        parts = []
        by_case = of_cases(cases.candidates)
        columns = coordinates(cases.candidates)
        axes = lesions.centre.shape[1]
        for case in cases.case_id.tolist():
            lesion_rows = lesions.rows(case)
            parts.append((case, lesions.centre[lesion_rows], lesion_rows))
            if case not in by_case:
                continue
            # Candidates show the nearest lesion, where it is near enough.
            candidate_centres = images[case].to_seen(columns[by_case[case], 3 - axes :])
            shown = np.full(len(candidate_centres), -1, dtype=np.int64)
            if len(lesion_rows):
                away = np.linalg.norm(
                    candidate_centres[:, None] - lesions.centre[lesion_rows][None], axis=2
                )
                radii = away / lesions.radius[lesion_rows]
                nearest = lesion_rows[radii.argmin(axis=1)]
                shown = np.where(radii.min(axis=1) <= self.near, nearest, -1)
                # Those neither near a lesion nor far from all teach nothing.
                clear = (shown >= 0) | (radii.min(axis=1) > _FAR)
                candidate_centres, shown = candidate_centres[clear], shown[clear]
            parts.append((case, candidate_centres, shown))
        return Places.stack(parts)

    def hardness(self, logits: Tensor, crops: Tensor) -> Tensor:
        return logits.float().softmax(dim=1)[:, 1]

    def marks(
        self, score: Callable[[Tensor], Tensor], image: SearchedImage, candidates: Floats
    ) -> tuple[Floats, Floats]:
        sides = self.sides(len(image.scale))
        odds = []
        for start in range(0, len(candidates), _AT_ONCE):
            part = candidates[start : start + _AT_ONCE]
            odds.append(score(torch.stack([image.cut(centre, sides) for centre in part])))
        scores = torch.cat(odds).double().numpy() if odds else np.empty(0)
        return candidates, scores
