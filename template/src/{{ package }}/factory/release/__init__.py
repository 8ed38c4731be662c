"""From a version to an image, and from there to where it runs."""
