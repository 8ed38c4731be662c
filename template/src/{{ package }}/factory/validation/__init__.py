"""Parse text into values, and validate rows against the contract."""
