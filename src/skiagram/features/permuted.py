"""Features of images whose voxels are permuted within the region: a control.

Permuting keeps volume and histogram and destroys everything else. A model on features that tells no
more than one on these has learned volume and histogram alone (Welch et al. 2019, *Radiotherapy and
Oncology* 130:2).
"""

import hashlib
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.batch import FeatureBatch
from skiagram.features.feature import Definition
from skiagram.features.filtered import DerivedImageFamily
from skiagram.seeding import stream
from skiagram.strict import STRICT, ZeroOrMore

PERMUTED = "permuted"
_VOXELS = f"{PERMUTED}.voxels"


@dataclass(**STRICT)
class Permuted(DerivedImageFamily):
    """Families of features on images with permuted voxels, and the number of voxels.

    Columns are `permuted.<column of the family>`. No model reads them that does not name them.
    Which voxel comes where depends on the seed and on the image itself.

    Attributes:
        seed: Of the draws.
    """

    prefixes: ClassVar[tuple[str, ...]] = (PERMUTED,)

    seed: ZeroOrMore

    def names(self) -> tuple[str, ...]:
        return (*super().names(), _VOXELS)

    def definitions(self) -> tuple[Definition, ...]:
        voxels = Definition(
            _VOXELS, "voxels of the region, or of the whole image", "N", "1", "1 to all"
        )
        return (*super().definitions(), voxels)

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of n images or volumes with permuted voxels.

        Returns:
            (n, n_features + 1) float64, finite; the last one counts the voxels of the region.
        """
        inside = batch.region("whole", PERMUTED)
        voxels = inside.reshape(len(batch), -1).sum(axis=1)[:, None].astype(np.float64)
        return np.hstack([self._describe(self.permute(batch)), voxels])

    def permute(self, batch: FeatureBatch) -> FeatureBatch:
        """Permute the voxels of each image within its region; those outside of it stay.

        Channels of a voxel stay together.
        """
        images, inside = batch.images.copy(), batch.region("whole", PERMUTED)
        # The order depends on the image's content, so it is the same wherever it stands.
        for row in range(len(batch)):
            single = batch.row(row)
            digest = hashlib.sha256(np.ascontiguousarray(single.images).data).hexdigest()
            voxels = images[row].reshape(*inside.shape[1:], -1)  # a view: channels go together
            if voxels.shape[-1] == 1:
                voxels = voxels[..., 0]  # single numbers are permuted without an index of 64 bits
            draws = stream(self.seed, PERMUTED, digest)
            voxels[inside[row]] = draws.permutation(voxels[inside[row]])
        return replace(batch, images=images)
