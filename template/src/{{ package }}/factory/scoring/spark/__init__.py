"""Scoring on a cluster of Spark, by the same scorer: the driver is `job`, what its workers do is `task`."""
