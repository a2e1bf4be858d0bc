"""What MIRP calls the features of the family `ngtdm`."""

NAMES = {
    "ngtdm_coarseness": "ngt_coarseness_2d",
    "ngtdm_contrast": "ngt_contrast_2d",
    "ngtdm_busyness": "ngt_busyness_2d",
    "ngtdm_complexity": "ngt_complexity_2d",
    "ngtdm_strength": "ngt_strength_2d",
}
