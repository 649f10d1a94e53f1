"""Theorems evaluated at fitted or given constants: limits, best steps, bounds, vacuity."""
