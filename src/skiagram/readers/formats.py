"""What the standards of the formats name and number: the rows of `formats.yaml`, read once."""

from skiagram.declared import read_declared

FORMATS = read_declared("skiagram.readers", "formats.yaml")
