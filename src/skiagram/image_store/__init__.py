"""Images on disk: Arrow files that are mapped into memory and read without a copy."""
