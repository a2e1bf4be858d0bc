"""mini-MIAS: 322 real mammograms, whole or as squares around lesions."""
