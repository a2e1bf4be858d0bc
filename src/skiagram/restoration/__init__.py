"""Cleaning of single images: missing values, outliers, noise."""
