"""Git, other programs, and how a stage writes."""
