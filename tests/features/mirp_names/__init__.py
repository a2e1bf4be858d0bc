"""What MIRP calls the features, a file a family."""
