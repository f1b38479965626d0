"""Scheduling systems, read only: one module per kind, and the one way out to them."""
