"""Models, one file a model: classical, deep, those that find lesions, and combinations of others.

Training cases become a fitted model that scores cases, by the contract of `fitting`; no held-out
label comes in, and no torch is imported outside `deep`.
"""
