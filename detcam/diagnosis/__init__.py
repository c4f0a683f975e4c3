"""One photograph with its true boxes: what is wrong with every box, why an object was missed, and what was seen."""
