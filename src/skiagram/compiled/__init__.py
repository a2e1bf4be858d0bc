"""Array loops as machine code, compiled when they are first called."""
