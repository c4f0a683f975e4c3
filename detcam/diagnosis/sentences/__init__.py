"""A diagnosis in sentences: one rule a function."""
