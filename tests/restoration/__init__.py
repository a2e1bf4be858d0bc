"""Restoration of single images."""
