"""MLflow: the only module that imports it."""
