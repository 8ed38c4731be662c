"""Evidence that a model would look better in its test than in use: what both `factory adopt` and the gate search for."""
