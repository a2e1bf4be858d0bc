"""A project in a folder of one's own, made of the files that this installation brings."""
