"""What a diagnosis says in words: one rule a function."""
