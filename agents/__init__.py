"""The agent: plans, planners, the two graphs, lanes, verification, escalation, synthesis, the public `Agent`."""
