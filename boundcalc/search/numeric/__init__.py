"""UNTRUSTED. Values, best constants, minimisers and counterexamples of functions, by search.

Shares no code with the kernel: own parser, own derivatives, own interval arithmetic.
"""
