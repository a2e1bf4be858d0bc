"""A folder of the user's own images and the table that describes them."""
