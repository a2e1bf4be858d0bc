"""Tables as people have them: cells of text in a frame, and what a cell says."""
