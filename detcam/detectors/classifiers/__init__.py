"""Image classifiers, as detectors whose only box is the whole photograph."""
