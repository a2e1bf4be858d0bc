"""Compiled loops over grey levels, a file a matrix; volumes and plane images alike."""
