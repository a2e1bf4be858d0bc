"""What MIRP calls the features of the family `ngldm` at distance 1 and coarseness 0."""

NAMES = {
    "ngldm_low_dependence_emphasis": "ngl_lde",
    "ngldm_high_dependence_emphasis": "ngl_hde",
    "ngldm_low_grey_level_count_emphasis": "ngl_lgce",
    "ngldm_high_grey_level_count_emphasis": "ngl_hgce",
    "ngldm_low_dependence_low_grey_level_emphasis": "ngl_ldlge",
    "ngldm_low_dependence_high_grey_level_emphasis": "ngl_ldhge",
    "ngldm_high_dependence_low_grey_level_emphasis": "ngl_hdlge",
    "ngldm_high_dependence_high_grey_level_emphasis": "ngl_hdhge",
    "ngldm_grey_level_non_uniformity": "ngl_glnu",
    "ngldm_normalised_grey_level_non_uniformity": "ngl_glnu_norm",
    "ngldm_dependence_count_non_uniformity": "ngl_dcnu",
    "ngldm_normalised_dependence_count_non_uniformity": "ngl_dcnu_norm",
    "ngldm_dependence_count_percentage": "ngl_dc_perc",
    "ngldm_grey_level_variance": "ngl_gl_var",
    "ngldm_dependence_count_variance": "ngl_dc_var",
    "ngldm_dependence_count_entropy": "ngl_dc_entr",
    "ngldm_dependence_count_energy": "ngl_dc_energy",
}
