"""Numbers of one box that need no true box."""
