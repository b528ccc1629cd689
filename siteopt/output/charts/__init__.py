"""The charts of a report: what they show in words, and how they are drawn."""
