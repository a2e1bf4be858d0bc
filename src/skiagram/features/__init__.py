"""Feature families, one file a family.

Images and regions become a table of named, finite numbers; no label is read, and no torch is
imported.
"""
