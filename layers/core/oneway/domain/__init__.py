"""The rules, without I/O: standard library only, the clock is passed in."""
