"""What a data scientist looks for first in a table: for `factory profile`, and for the report."""
