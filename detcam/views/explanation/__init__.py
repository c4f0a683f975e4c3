"""Pages of an explanation."""
