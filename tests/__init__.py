"""The tests, and where the repository that they test lies."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
