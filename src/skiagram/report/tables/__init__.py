"""Tables of the report, as cells of text with notes; the templates only lay them out."""
