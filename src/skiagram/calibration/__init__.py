"""From scores to probabilities, by methods fit on out-of-fold scores."""
