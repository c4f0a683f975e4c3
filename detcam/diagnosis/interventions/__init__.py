"""Interventions: regions are occluded and the same raw rows are read again, beside control occlusions."""
