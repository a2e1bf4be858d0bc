"""What the stages hand to one another, as frozen dataclasses with a file form."""
