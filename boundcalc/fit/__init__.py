"""Exact fits of conditions to logs: mergeable sketches and the fold that feeds them."""
