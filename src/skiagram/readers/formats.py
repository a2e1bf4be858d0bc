"""What the standards of the formats name and number: the rows of `formats.yaml`, read once."""

from typing import Any

from skiagram.declared import read_declared

FORMATS: dict[str, Any] = read_declared("skiagram.readers", "formats.yaml")
