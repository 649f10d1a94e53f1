"""TRUSTED. How many connected components a sublevel set has: cells, their groups, certificates."""
