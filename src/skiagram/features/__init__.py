"""Feature families, one file per family, and the feature table."""
