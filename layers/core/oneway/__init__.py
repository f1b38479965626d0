"""Oneway: online booking for practices whose scheduling system can only be read."""
