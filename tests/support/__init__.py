"""What tests share: tiny detectors, hand-made explanations and tables, and where things lie."""
