"""What MIRP calls the features of the family `glszm`."""

NAMES = {
    "glszm_small_zone_emphasis": "szm_sze",
    "glszm_large_zone_emphasis": "szm_lze",
    "glszm_low_grey_level_zone_emphasis": "szm_lgze",
    "glszm_high_grey_level_zone_emphasis": "szm_hgze",
    "glszm_small_zone_low_grey_level_emphasis": "szm_szlge",
    "glszm_small_zone_high_grey_level_emphasis": "szm_szhge",
    "glszm_large_zone_low_grey_level_emphasis": "szm_lzlge",
    "glszm_large_zone_high_grey_level_emphasis": "szm_lzhge",
    "glszm_grey_level_non_uniformity": "szm_glnu",
    "glszm_normalised_grey_level_non_uniformity": "szm_glnu_norm",
    "glszm_zone_size_non_uniformity": "szm_zsnu",
    "glszm_normalised_zone_size_non_uniformity": "szm_zsnu_norm",
    "glszm_zone_percentage": "szm_z_perc",
    "glszm_grey_level_variance": "szm_gl_var",
    "glszm_zone_size_variance": "szm_zs_var",
    "glszm_zone_size_entropy": "szm_zs_entr",
}
