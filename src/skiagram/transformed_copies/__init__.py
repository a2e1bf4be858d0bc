"""Copies that were mirrored, turned, cropped, shifted, inverted or compressed: found, confirmed."""
