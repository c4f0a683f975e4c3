"""The parts of every page: sheet, text, colours, crops, heat."""
