"""Which files are photographs, by their endings."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
"""File name endings that are taken for photographs when a folder is searched."""
