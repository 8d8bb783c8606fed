"""Experiments: training and measuring policies, retrieval, the demo and the orchestration itself."""
