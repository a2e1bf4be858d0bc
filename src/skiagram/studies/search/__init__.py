"""Study `search`: every model of both arms tuned with the same number of trials."""
