"""Study `crossover`: learning curves; from how many cases on is a network better?"""
