"""Study `crossover`: from how many cases on does the network overtake the best baseline?"""
