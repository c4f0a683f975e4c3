"""Which layers a detector has, and which are worth looking at."""
