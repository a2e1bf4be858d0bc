"""Features of the cases of a project: of their images, and what is known of them besides."""
