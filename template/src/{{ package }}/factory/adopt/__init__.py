"""A table of one's own in the place of the sample: read, proposed, written as code, and run."""
