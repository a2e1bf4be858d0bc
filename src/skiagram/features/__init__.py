"""Feature families, a file a family, and the feature table."""
