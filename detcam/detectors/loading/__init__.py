"""From a name, a file or a live model to a detector."""
