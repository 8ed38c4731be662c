"""How a delivery differs from the contract, and the change of contract.py that would admit it."""
