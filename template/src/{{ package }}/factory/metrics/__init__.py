"""How good scores are, and for whom."""
