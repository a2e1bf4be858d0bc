"""Study `explanations`: what models rest on and look at, tested."""
