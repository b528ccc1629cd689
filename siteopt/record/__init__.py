"""Define what a run says, as frozen models. Their JSON is what ``plan.json``, ``pareto.json`` and ``--json`` hold."""
