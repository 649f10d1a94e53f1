"""UNTRUSTED. Proofs of goals about given functions, one method a file; the kernel has the word."""
