"""Replay a plan, day by day and in steps of a millisecond, with code that shares nothing with the optimizer."""
