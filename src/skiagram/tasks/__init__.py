"""What cases are predicted to have besides a class: one file a kind of outcome."""
