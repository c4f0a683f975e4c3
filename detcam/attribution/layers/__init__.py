"""Which layers a box is explained at."""
