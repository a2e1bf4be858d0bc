"""Models made of other models' scores."""
