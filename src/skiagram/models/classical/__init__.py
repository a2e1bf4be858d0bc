"""Classical models on feature tables, a file a family; nothing here imports torch."""
