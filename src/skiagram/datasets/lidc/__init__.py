"""LIDC-IDRI lung nodules on one intensity scale and grid."""
