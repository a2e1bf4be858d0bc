"""The steps from images to scores, a file each.

Options and the folders of earlier steps become one folder of outputs, for a stage or a row of a
sweep; no step looks for its inputs, and none knows DVC.
"""
