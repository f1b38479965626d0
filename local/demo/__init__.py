"""`make demo`: the whole story on this machine, then the pages to try it."""
