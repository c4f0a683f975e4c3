"""Numbers of one detection that need no ground truth."""
