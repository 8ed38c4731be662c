"""What pipelines need besides the everyday commands."""
