"""Inputs that nobody would write on purpose: whatever it is given, siteopt reads it or says what is wrong.

``pytest`` tries a few of each class; ``make fuzz`` (``python -m tests.fuzz``) as many as it is told, and counts.
"""
