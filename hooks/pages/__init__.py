"""The hub's pages for people: one of all projects, and one of each."""
