"""Grounding: chunking, the hybrid store (Chroma and BM25), fusion, grading and citations. It runs no chat model."""
