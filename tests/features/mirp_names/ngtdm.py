"""What MIRP calls the features of the family `ngtdm`."""

NAMES = {
    "ngtdm_coarseness": "ngt_coarseness",
    "ngtdm_contrast": "ngt_contrast",
    "ngtdm_busyness": "ngt_busyness",
    "ngtdm_complexity": "ngt_complexity",
    "ngtdm_strength": "ngt_strength",
}
