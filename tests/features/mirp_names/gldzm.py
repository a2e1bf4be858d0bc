"""What MIRP calls the features of the family `gldzm`."""

NAMES = {
    "gldzm_small_distance_emphasis": "dzm_sde",
    "gldzm_large_distance_emphasis": "dzm_lde",
    "gldzm_low_grey_level_zone_emphasis": "dzm_lgze",
    "gldzm_high_grey_level_zone_emphasis": "dzm_hgze",
    "gldzm_small_distance_low_grey_level_emphasis": "dzm_sdlge",
    "gldzm_small_distance_high_grey_level_emphasis": "dzm_sdhge",
    "gldzm_large_distance_low_grey_level_emphasis": "dzm_ldlge",
    "gldzm_large_distance_high_grey_level_emphasis": "dzm_ldhge",
    "gldzm_grey_level_non_uniformity": "dzm_glnu",
    "gldzm_normalised_grey_level_non_uniformity": "dzm_glnu_norm",
    "gldzm_zone_distance_non_uniformity": "dzm_zdnu",
    "gldzm_normalised_zone_distance_non_uniformity": "dzm_zdnu_norm",
    "gldzm_zone_percentage": "dzm_z_perc",
    "gldzm_grey_level_variance": "dzm_gl_var",
    "gldzm_zone_distance_variance": "dzm_zd_var",
    "gldzm_zone_distance_entropy": "dzm_zd_entr",
}
