"""What each feature is: its docstring says it, the code computes it."""
