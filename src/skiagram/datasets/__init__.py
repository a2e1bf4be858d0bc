"""Sources of images, one file per source, and ingest, which reads any of them."""
