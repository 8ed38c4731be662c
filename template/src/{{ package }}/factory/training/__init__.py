"""From prepared rows to a model on disk."""
