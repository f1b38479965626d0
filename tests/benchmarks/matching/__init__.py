"""How well requests are matched: on FEBRL's sets and on what front desks make of entries; written to docs/matching.md."""
