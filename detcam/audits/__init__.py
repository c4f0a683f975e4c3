"""A whole data set: every detection and every missed object as a row, and what they say together."""
