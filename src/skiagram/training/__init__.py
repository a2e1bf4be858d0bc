"""How a network is trained.

A network, its options and training cases become weights and checkpoints, by Lightning; no test
case and no held-out case comes in.
"""
