"""New images scored with a trained model, and packages of models.

Files and a model's folder become rows of probabilities, decisions and reasons; nothing is trained,
and nothing in the folder is run as code.
"""
