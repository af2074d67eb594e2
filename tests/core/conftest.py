"""Generated examples: as many as are quick, and never a deadline, for no test looks at elapsed time."""

from hypothesis import settings

settings.register_profile("core", max_examples=80, deadline=None, database=None)
settings.load_profile("core")
