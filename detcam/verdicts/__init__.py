"""Why a place has no box: the best raw row there, and what dropped it."""
