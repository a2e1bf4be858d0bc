"""Runs in MLflow.

Results that exist become runs, models and a receipt; nothing of the tracker enters a result, and
no result waits for it.
"""
