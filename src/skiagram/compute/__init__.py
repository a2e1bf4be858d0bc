"""How much of a machine a stage uses: workers, threads, compiled loops, bars of progress."""
