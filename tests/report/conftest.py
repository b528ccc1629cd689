"""Fixtures of the tests of reports."""

from tests.report.browser import chromium

__all__ = ["chromium"]
