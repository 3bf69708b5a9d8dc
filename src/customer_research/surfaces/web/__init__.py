"""The web pages: the use cases as pages that people read, act on and hand on, with who may see what."""
