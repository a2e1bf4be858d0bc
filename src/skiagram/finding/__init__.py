"""Places in images: candidates, marks, and the hit rule."""
