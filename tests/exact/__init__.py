"""Draw random worlds, solve them, and check every claim with a second solver: ``python -m tests.exact``."""
