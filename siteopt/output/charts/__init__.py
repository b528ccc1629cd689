"""Draw the charts of a report, and say in words what they show."""
