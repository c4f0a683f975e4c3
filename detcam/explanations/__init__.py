"""One photograph explained: every box beside its own heatmaps and numbers."""
