"""Settings of the whole suite."""

from hypothesis import settings

settings.register_profile("siteopt", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("siteopt")
