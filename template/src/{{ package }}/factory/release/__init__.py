"""Build, publish, deploy and test a version's image."""
