"""Canaries of a model or a prompt: who gets it, what is compared, when it goes on and when it is rolled back."""
