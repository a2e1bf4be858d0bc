"""What MIRP calls the features of the family `glszm`."""

NAMES = {
    "glszm_small_zone_emphasis": "szm_sze_2d",
    "glszm_large_zone_emphasis": "szm_lze_2d",
    "glszm_low_grey_level_zone_emphasis": "szm_lgze_2d",
    "glszm_high_grey_level_zone_emphasis": "szm_hgze_2d",
    "glszm_small_zone_low_grey_level_emphasis": "szm_szlge_2d",
    "glszm_small_zone_high_grey_level_emphasis": "szm_szhge_2d",
    "glszm_large_zone_low_grey_level_emphasis": "szm_lzlge_2d",
    "glszm_large_zone_high_grey_level_emphasis": "szm_lzhge_2d",
    "glszm_grey_level_non_uniformity": "szm_glnu_2d",
    "glszm_normalised_grey_level_non_uniformity": "szm_glnu_norm_2d",
    "glszm_zone_size_non_uniformity": "szm_zsnu_2d",
    "glszm_normalised_zone_size_non_uniformity": "szm_zsnu_norm_2d",
    "glszm_zone_percentage": "szm_z_perc_2d",
    "glszm_grey_level_variance": "szm_gl_var_2d",
    "glszm_zone_size_variance": "szm_zs_var_2d",
    "glszm_zone_size_entropy": "szm_zs_entr_2d",
}
