"""Sources of images, and ingest.

A source's files become image shards, a case table and a seal; no name of a file or person gets
past ingest.
"""
