"""Labels under seal: who may open them, each opening noted, and files encrypted with age."""
