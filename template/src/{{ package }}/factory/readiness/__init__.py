"""The ML Test Score: faults are injected into a copy of the project, and its tests, stages and gate must detect them."""
