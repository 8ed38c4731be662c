"""Deploy a version's image to an environment, test it there, and go back."""
