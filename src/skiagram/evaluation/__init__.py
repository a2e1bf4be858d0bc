"""Arrays in, numbers out: metrics, intervals, comparisons, stability."""
