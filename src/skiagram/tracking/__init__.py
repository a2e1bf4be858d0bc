"""Runs for people to compare: what an execution found, sent to MLflow; nothing depends on it."""
