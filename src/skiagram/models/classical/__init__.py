"""Classical models on feature tables, one file per family; nothing here imports torch."""
