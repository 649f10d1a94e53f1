"""TRUSTED. Exact polynomials, grammar, claims and certificate checker; standard library only."""
