"""Study `cost`: what accuracy costs to train, to keep and to use."""
