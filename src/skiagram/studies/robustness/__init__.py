"""Study `robustness`: what is left of models on worse images and on images of another source."""
