"""The ideal observer of the phantom: the exact log-likelihood ratio of an image.

No model can tell the classes apart better than this score does (Barrett and Myers 2004,
Foundations of Image Science, chapter 13). With class spectra P₀ and P₁ (tissue and noise), a
nodule s at an unknown place x of known prior, and K₁ the covariance of the abnormal class:

    log Λ(g) = ½ Σ|G|² (1/P₀ − 1/P₁) / N² + ½ Σ log(P₀/P₁) + log mean over x of exp(A_x − d²/2)

where A_x = ⟨s_x, K₁⁻¹g⟩ is one correlation, d² = ⟨s, K₁⁻¹s⟩ and sums run over the full spectrum.
In volumes N² becomes N³.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from skiagram.datasets.phantom.tissue import Field, multiplicity


class IdealObserver:
    """Scores images of one phantom.

    Args:
        normal: (size, …, size // 2 + 1) half spectrum of the normal class, noise included.
        abnormal: The same of the abnormal class.
        nodule: (size, size) or (size, size, size) nodule centred on the first pixel.
        places: (m,) places along each axis on which the nodule is centred with equal probability.
    """

    def __init__(
        self, normal: Field, abnormal: Field, nodule: Field, places: NDArray[np.int64]
    ) -> None:
        size = len(nodule)
        count = multiplicity(size)
        template = fft.rfftn(nodule)
        self._texture = count * (1 / normal - 1 / abnormal) / (2 * nodule.size)
        self._volume = float((count * np.log(normal / abnormal)).sum() / 2)
        self._filter = template.conj() / abnormal
        energy = float((count * np.abs(template) ** 2 / abnormal).sum() / nodule.size)
        self._offset = energy / 2 + nodule.ndim * np.log(len(places))
        self._places = np.ix_(*[places] * nodule.ndim)

    def log_likelihood_ratio(self, image: Field) -> float:
        """Return log Λ of one image, natural units; above 0 speaks for the abnormal class.

        Args:
            image: Noisy image without faults, of the nodule's shape.
        """
        spectrum = fft.rfftn(image)
        texture = float((np.abs(spectrum) ** 2 * self._texture).sum()) + self._volume
        matched = fft.irfftn(spectrum * self._filter, s=image.shape)[self._places]
        highest = matched.max()
        nodule = highest + np.log(np.exp(matched - highest).sum()) - self._offset
        return texture + float(nodule)
