"""What calls the methods of each kind: boxes to a heatmap each."""
