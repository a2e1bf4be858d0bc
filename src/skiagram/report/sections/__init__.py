"""One module for each section of the report: its tables, figures and sentences."""
