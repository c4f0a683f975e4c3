"""Training an SSD person detector: samples, augmentation, soft targets, losses, and a loop that resumes exactly."""
