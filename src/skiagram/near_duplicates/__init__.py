"""Images that show the same: near duplicates, and copies that were turned, cropped, inverted."""
