"""Tests of the steps from images to scores."""
