"""Deliveries: entered, checked, split."""
