"""The command `skiagram`, one file per subcommand.

Words of the command line become calls of the rooms below, and results and errors become lines and
exit codes; no figure is computed here.
"""
