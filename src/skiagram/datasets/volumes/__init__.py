"""Volumes from files: grids, volume files, DICOM series and the regions drawn on them."""
