"""Plain records that evaluation's findings consist of."""
