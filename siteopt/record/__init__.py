"""Define the results of a run as frozen models; ``plan.json``, ``pareto.json`` and ``--json`` are their JSON."""
