"""The durable record of runs: the ledger, and the records it keeps. It decides nothing and calls no model."""
