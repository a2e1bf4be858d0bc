"""How sure a model is of single cases."""
