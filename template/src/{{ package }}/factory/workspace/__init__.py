"""The working tree: Git, other programs, and how a stage writes its outputs."""
