"""What MIRP calls the features of the family `glrlm`."""

NAMES = {
    "glrlm_short_runs_emphasis": "rlm_sre",
    "glrlm_long_runs_emphasis": "rlm_lre",
    "glrlm_low_grey_level_run_emphasis": "rlm_lgre",
    "glrlm_high_grey_level_run_emphasis": "rlm_hgre",
    "glrlm_short_run_low_grey_level_emphasis": "rlm_srlge",
    "glrlm_short_run_high_grey_level_emphasis": "rlm_srhge",
    "glrlm_long_run_low_grey_level_emphasis": "rlm_lrlge",
    "glrlm_long_run_high_grey_level_emphasis": "rlm_lrhge",
    "glrlm_grey_level_non_uniformity": "rlm_glnu",
    "glrlm_normalised_grey_level_non_uniformity": "rlm_glnu_norm",
    "glrlm_run_length_non_uniformity": "rlm_rlnu",
    "glrlm_normalised_run_length_non_uniformity": "rlm_rlnu_norm",
    "glrlm_run_percentage": "rlm_r_perc",
    "glrlm_grey_level_variance": "rlm_gl_var",
    "glrlm_run_length_variance": "rlm_rl_var",
    "glrlm_run_entropy": "rlm_rl_entr",
}
