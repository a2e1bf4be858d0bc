"""How networks are trained: Lightning module, data module, augmentation, checkpoints."""
