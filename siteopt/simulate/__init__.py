"""A plan replayed from the Instance and its orders alone, with code that shares nothing with the optimizer."""
