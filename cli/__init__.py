"""The `oneway` command line, for operators. It never runs in the cloud."""
