"""Studies: questions that take many runs of the pipeline; the root DAG never runs them."""
