"""Regions hidden, and the same raw row read again, beside control regions."""
