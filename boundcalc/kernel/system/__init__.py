"""Certificates about one system of equations F(w) = y on one ball."""
