"""Logs of training runs: the column schema, and one reader per format."""
