"""Effect sizes and correlations with intervals."""
