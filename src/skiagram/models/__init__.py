"""One contract for classical and deep models, and the designs that fit them."""
