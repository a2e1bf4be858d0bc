"""What models look at: importance of features, maps of images, and tests that maps must pass."""
