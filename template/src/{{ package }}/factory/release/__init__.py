"""Build and publish a version's image."""
