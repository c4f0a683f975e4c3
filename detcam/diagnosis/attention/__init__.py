"""Where the heat of a box lies, compared with the true objects."""
