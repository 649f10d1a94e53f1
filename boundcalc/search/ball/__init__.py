"""Untrusted search for the constants of a system of formulas on a ball, with their proofs."""
