"""Models: specs and catalogue, weights on disk, engines, the embedder, the client every call goes by.

Nothing here decides which model is asked; nothing outside this folder talks to a model.
"""
