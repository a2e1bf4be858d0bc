"""Networks on images, a file a family."""
