"""Arrays in, numbers with intervals out.

Values, weights and patients become estimates, tests and intervals, always by patient; no case,
model or file is known here.
"""
