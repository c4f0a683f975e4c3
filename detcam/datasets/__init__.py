"""True boxes of photographs, in the formats that data sets come in."""
