"""The manifest, and ingest.

Tables of a user and the images that they name, or a source, become image shards, a case table and a
seal; no name of a file or person gets past ingest.
"""
