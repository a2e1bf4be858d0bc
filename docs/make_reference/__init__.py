"""Makes the pages of `docs/reference` from the code, the option files and the command line."""
