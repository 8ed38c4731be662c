"""The ML Test Score: faults are put into a copy of the project, and its tests, stages and gate must notice."""
