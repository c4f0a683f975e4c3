"""Pages of a diagnosis."""
