"""From raw rows to detections: thresholds, top-k and non-maximum suppression, step by step."""
