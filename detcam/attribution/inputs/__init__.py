"""Changed copies of a photograph: baselines, noise, paths and segments."""
