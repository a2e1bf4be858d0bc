"""The `skiagram` command: check own images, add them as a data set, score new ones."""
