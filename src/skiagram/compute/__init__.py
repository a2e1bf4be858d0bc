"""How much of a machine is used.

Work becomes fits and spans on workers, threads or a cluster, and finished pieces are kept; no
value depends on where it was made.
"""
