"""The `skiagram` command: what is done with a user's own films, before and after the pipeline."""
