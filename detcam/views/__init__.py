"""Everything that is drawn or printed."""
