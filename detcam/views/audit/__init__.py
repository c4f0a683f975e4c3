"""Pages of an audit and of a comparison."""
