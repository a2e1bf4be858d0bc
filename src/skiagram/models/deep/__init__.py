"""Networks on images, one file per family."""
