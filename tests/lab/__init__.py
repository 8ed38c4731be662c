"""Projects that people have worked in for months, updated: what is lost, what conflicts, what does not arrive."""
