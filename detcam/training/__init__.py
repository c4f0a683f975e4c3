"""Training an SSD person detector: data set, augmentation, soft targets, losses and a loop that resumes exactly."""
