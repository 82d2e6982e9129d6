"""The pure core: values and decisions. Standard library, numpy and numba only; no clock, thread, log or file."""
