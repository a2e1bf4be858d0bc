"""Studies: questions that take many passes of the pipeline; the root DAG never runs them."""
