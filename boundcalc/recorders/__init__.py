"""Recorders: a log from a training run, one small module per framework.

Each module imports its own framework and nothing else beyond NumPy:
`boundcalc.recorders.torch`, `.lightning`, `.huggingface`, `.jax`, `.sklearn`, `.numpy`.
"""
