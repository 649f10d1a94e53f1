"""UNTRUSTED. Finders of proofs; whatever they find is checked by the kernel."""
