"""Models: specs and catalogue, weights on disk, engines, the embedder, and the client every call goes through.

Nothing here decides which model is asked; nothing outside this folder talks to a model.
"""
