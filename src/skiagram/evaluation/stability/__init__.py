"""How much figures and the order of the models move with the data and the seed."""
