"""What every page is made of: sheet, letters, colours, crops, heat."""
