"""What a valid row is, and how text becomes its values."""
