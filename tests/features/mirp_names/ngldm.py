"""What MIRP calls the features of the family `ngldm` at distance 1 and coarseness 0."""

NAMES = {
    "ngldm_low_dependence_emphasis": "ngl_lde_d1_a0.0_2d",
    "ngldm_high_dependence_emphasis": "ngl_hde_d1_a0.0_2d",
    "ngldm_low_grey_level_count_emphasis": "ngl_lgce_d1_a0.0_2d",
    "ngldm_high_grey_level_count_emphasis": "ngl_hgce_d1_a0.0_2d",
    "ngldm_low_dependence_low_grey_level_emphasis": "ngl_ldlge_d1_a0.0_2d",
    "ngldm_low_dependence_high_grey_level_emphasis": "ngl_ldhge_d1_a0.0_2d",
    "ngldm_high_dependence_low_grey_level_emphasis": "ngl_hdlge_d1_a0.0_2d",
    "ngldm_high_dependence_high_grey_level_emphasis": "ngl_hdhge_d1_a0.0_2d",
    "ngldm_grey_level_non_uniformity": "ngl_glnu_d1_a0.0_2d",
    "ngldm_normalised_grey_level_non_uniformity": "ngl_glnu_norm_d1_a0.0_2d",
    "ngldm_dependence_count_non_uniformity": "ngl_dcnu_d1_a0.0_2d",
    "ngldm_normalised_dependence_count_non_uniformity": "ngl_dcnu_norm_d1_a0.0_2d",
    "ngldm_dependence_count_percentage": "ngl_dc_perc_d1_a0.0_2d",
    "ngldm_grey_level_variance": "ngl_gl_var_d1_a0.0_2d",
    "ngldm_dependence_count_variance": "ngl_dc_var_d1_a0.0_2d",
    "ngldm_dependence_count_entropy": "ngl_dc_entr_d1_a0.0_2d",
    "ngldm_dependence_count_energy": "ngl_dc_energy_d1_a0.0_2d",
}
