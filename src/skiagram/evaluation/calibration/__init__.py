"""Whether probabilities mean what they say, and what deciding by them is worth."""
