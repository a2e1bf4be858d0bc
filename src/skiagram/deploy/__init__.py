"""New images scored by a trained model's folder, through the code of the pipeline."""
