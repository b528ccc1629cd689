"""Check a plan by replaying it day by day, and electrically by the millisecond, without any code of the optimizer."""
