"""Model versions: Git tags and what they pin."""
