"""The phantom: generated projections whose ideal observer is known exactly."""
