"""What state the project is in: one file for whoever looks after many projects, and a summary for its own people."""
