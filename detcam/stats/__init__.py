"""Means, medians, effect sizes and rank correlations, with intervals."""
