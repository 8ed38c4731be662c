"""The checks of a project's files that `factory check` runs, and by it the hook before a commit and the pipelines."""
