"""What can happen to the outputs, made to happen: ``python -m tests.reliability`` writes docs/reliability.md."""
