"""The differences between a delivery and the contract, and a patch of contract.py that would accept it."""
