"""What MIRP calls the features of the family `first_order`; it has no quartiles."""

NAMES = {
    "first_order_mean": "stat_mean",
    "first_order_variance": "stat_var",
    "first_order_skewness": "stat_skew",
    "first_order_excess_kurtosis": "stat_kurt",
    "first_order_median": "stat_median",
    "first_order_minimum": "stat_min",
    "first_order_percentile_10": "stat_p10",
    "first_order_percentile_90": "stat_p90",
    "first_order_maximum": "stat_max",
    "first_order_interquartile_range": "stat_iqr",
    "first_order_range": "stat_range",
    "first_order_mean_absolute_deviation": "stat_mad",
    "first_order_robust_mean_absolute_deviation": "stat_rmad",
    "first_order_median_absolute_deviation": "stat_medad",
    "first_order_coefficient_of_variation": "stat_cov",
    "first_order_quartile_coefficient_of_dispersion": "stat_qcod",
    "first_order_energy": "stat_energy",
    "first_order_root_mean_square": "stat_rms",
}
UNDEFINED = {"first_order_quartile_coefficient_of_dispersion": (0.0, 1.0)}  # quartiles sum to 0
