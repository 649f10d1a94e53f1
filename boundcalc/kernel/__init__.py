"""TRUSTED. Exact polynomials, grammar, claims and the certificate checker; standard library only."""
