"""Logs that trainers and trackers write, read as far as they mean something."""
