"""Sources of images, a file a source, and ingest, which reads any of them."""
