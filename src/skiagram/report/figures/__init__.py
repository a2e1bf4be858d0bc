"""A file a kind of figure; each takes results and gives a drawing."""
