"""Statistics of whole patients: arrays in, numbers with their intervals out."""
