"""Router policies: a policy turns subtasks into decisions (kind, lane, probability, reason). It runs no lane."""
