"""What people have becomes rows and options of a data set; guesses are told in sentences."""
