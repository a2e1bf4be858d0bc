"""Study `simplification`: how simple a model may become within the margin."""
