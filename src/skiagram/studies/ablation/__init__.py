"""Study `ablation`: the steps of restoration, alone and together."""
